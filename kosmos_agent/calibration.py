"""From what a model computed for an answer to probabilities that mean frequencies (pure; no torch).

Two numbers are calibrated, each by a logistic regression over named features followed by an increasing map:

- presence: is there anything in the picture that the phrase names?
- correctness: does the best box overlap a true one by IoU 0.5 or more? An absent thing has no right box.

`calibration.json` beside the weights holds both, with the thresholds of the status and what they were fitted on.
`docs/calibration.md` says how to read the numbers; `evaluation.calibration_fit` makes the file.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, get_args

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from kosmos_agent.errors import CheckpointError, InvalidArgumentError
from kosmos_agent.results import Probability

CALIBRATION_FILE = "calibration.json"
SINGLE_LOOK_FILE = "calibration-single-look.json"
"""Beside the former, for a model that looks more than once unless it is told not to: its numbers at a single look."""
MAX_FILE_BYTES = 1 << 20
MAX_KNOTS = 4096

Feature = Literal[
    "object_log_odds",
    "location_log_odds",
    "first_corner_entropy",
    "second_corner_entropy",
    "margin",
    "box_side",
    "window_log_odds",
    "window_iou",
    "claims",
    "claims_hold",
    "claims_fail",
    "phrase_log_likelihood",
    "phrase_lift",
    "mirror_iou",
]
"""What may be known of an answer; entropies and likelihoods in nats.

object_log_odds: of `<object>` after `</phrase>`. location_log_odds: of the best candidate among all boxes, once
`<object>` is open. first_corner_entropy, second_corner_entropy: of the location distributions, the second behind the
likeliest first. margin: log ratio of the best candidate's weight to the second's. box_side: side of the best box as a
share of the picture's, at the first look. window_log_odds, window_iou: of `<object>`, and overlap of the two answers,
at the second look that a small thing gets; without one, object_log_odds and 1. claims, claims_hold, claims_fail: 1
where the phrase says anything of place, where the boxes bear out all of that, and where they contradict any; else 0.
phrase_log_likelihood: mean over the
phrase's tokens behind the picture. phrase_lift: by how much the picture raises it. mirror_iou: overlap of the best
boxes in the picture and, mirrored back, in its mirror image, where `left` and `right` are swapped in the phrase.
"""
FEATURES: tuple[Feature, ...] = get_args(Feature)
CHEAP_FEATURES: tuple[Feature, ...] = FEATURES[:11]
"""These fall out of what makes the answer; the others cost more tokens or a second look."""
SINGLE_LOOK_FEATURES: tuple[Feature, ...] = FEATURES[:6]
"""Of these, what is known without a second look."""

Finite = Annotated[float, Field(allow_inf_nan=False)]
Count = Annotated[int, Field(ge=0)]
Features = Mapping[Feature, float]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class FeatureScale(_Strict):
    """A feature's part in the score: `weight * (value - mean) / scale`."""

    mean: Finite
    scale: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    weight: Finite


class Calibrator(_Strict):
    """Features -> score -> probability.

    knots: (score, log-odds), increasing in both; straight between them and of slope 1 outside, so that the map never
    changes an order and never reaches 0 or 1 by itself.
    """

    features: dict[Feature, FeatureScale]
    intercept: Finite
    knots: Annotated[tuple[tuple[Finite, Finite], ...], Field(min_length=1, max_length=MAX_KNOTS)]

    @model_validator(mode="after")
    def _increasing(self) -> Calibrator:
        pairs = itertools.pairwise(self.knots)
        if not all(first[0] < second[0] and first[1] < second[1] for first, second in pairs):
            raise ValueError("knots must increase in score and in log-odds")
        return self

    def probability(self, features: Features) -> float:
        """In [0, 1]. InvalidArgumentError for a feature that is missing or not finite."""
        return sigmoid(self.log_odds(self.score(features)))

    def score(self, features: Features) -> float:
        """What the logistic regression says, as log-odds."""
        absent = [name for name in self.features if not math.isfinite(features.get(name, math.nan))]
        if absent:
            raise InvalidArgumentError(f"features {', '.join(absent)} are missing or not finite")
        parts = (item.weight * (features[name] - item.mean) / item.scale for name, item in self.features.items())
        return self.intercept + sum(parts)

    def log_odds(self, score: float) -> float:
        """The increasing map."""
        scores, log_odds = zip(*self.knots, strict=True)
        outside = min(0.0, score - scores[0]) + max(0.0, score - scores[-1])
        return float(np.interp(score, scores, log_odds)) + outside


class Thresholds(_Strict):
    """Where the lines of the status are drawn, on calibrated numbers, and by which rule.

    not_found_below and found_from: presence; between the two it is `cannot_tell`. min_probability: of the best box,
    for `found`. max_missed: at most this share of present things falls below the first line; max_false_found: at most
    this share of absent things reaches `found`; both on the pictures fitted on, by cross-validation.
    """

    not_found_below: Probability
    found_from: Probability
    min_probability: Probability = 0.5
    max_missed: Probability
    max_false_found: Probability

    @model_validator(mode="after")
    def _ordered(self) -> Thresholds:
        if self.not_found_below > self.found_from:
            raise ValueError("not_found_below must not be above found_from")
        return self


class FitScores(_Strict):
    """AUROC and expected calibration error of the model's own probability and, cross-validated, of the fitted one."""

    auroc_before: Probability
    auroc_after: Probability
    ece_before: Probability
    ece_after: Probability


class FitReport(_Strict):
    """What a calibration was fitted on, and how well it did there on pictures that each fit had not seen.

    n, n_absent: phrases, and those that name nothing there; the numbers hold for about this share of absent things.
    found, false_found, missed: shares of the present things answered `found`, of the absent ones answered `found`,
    of the present ones answered `not_found`; rivals are not looked at.
    """

    data: str
    n_pictures: Count
    n: Count
    n_absent: Count
    presence: FitScores
    correctness: FitScores
    found: Probability
    false_found: Probability
    missed: Probability


class Calibration(_Strict):
    """All of `calibration.json`. weights_sha256: of the weights that it was fitted for; it holds for no others."""

    version: Literal[1] = 1
    weights_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    presence: Calibrator
    correctness: Calibrator
    thresholds: Thresholds
    fitted: FitReport

    @property
    def features(self) -> tuple[Feature, ...]:
        """Those that must be computed for it."""
        used = self.presence.features.keys() | self.correctness.features.keys()
        return tuple(name for name in FEATURES if name in used)

    @classmethod
    def read(cls, path: Path) -> Calibration:
        """CheckpointError, naming the field, when the file cannot be read or is no calibration."""
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise CheckpointError(f"{path} is over {MAX_FILE_BYTES} bytes; a calibration is smaller")
            return cls.model_validate_json(path.read_bytes())
        except OSError as error:
            raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_context=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"]) or "the whole"
            raise CheckpointError(
                f"{path} is no calibration: {where}: {first['msg']}; valid: what kosmos-agent calibrate writes"
            ) from error

    def write(self, path: Path) -> None:
        """InvalidArgumentError where nothing can be written."""
        try:
            path.write_text(self.model_dump_json(indent=1) + "\n", encoding="utf-8")
        except OSError as error:
            raise InvalidArgumentError(f"{path} cannot be written: {error.strerror}") from error


def sigmoid(log_odds: float) -> float:
    if log_odds >= 0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    return math.exp(log_odds) / (1.0 + math.exp(log_odds))


def logit(probability: float, floor: float = 1e-6) -> float:
    """Log-odds of a probability that is kept `floor` away from 0 and 1."""
    inside = min(max(probability, floor), 1.0 - floor)
    return math.log(inside / (1.0 - inside))
