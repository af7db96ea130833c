"""Fits a calibration: logistic regression, then isotonic regression, then thresholds by a stated rule.

Scores and thresholds come from cross-validation by picture, so that no probability is judged, and no line drawn, on
pictures that its fit has seen. Needs scikit-learn; applying a calibration does not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.isotonic import isotonic_regression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GroupKFold

from kosmos_agent.calibration import (
    CHEAP_FEATURES,
    Calibration,
    Calibrator,
    Feature,
    FeatureScale,
    FitReport,
    FitScores,
    Thresholds,
    logit,
)
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.calibration_samples import Sample
from kosmos_agent.evaluation.calibration_scores import ece
from kosmos_agent.evaluation.referring import auroc

MIN_OF_EACH = 20
"""Fewer present or absent phrases than this say nothing about a rate of a few percent."""
FOLDS = 5
_PER_BLOCK = 50
"""Least number of answers behind a knot: fewer follow noise."""
_TILT = 0.02
"""Share of the logistic score in the map, which makes it strictly increasing."""

Floats = NDArray[np.float64]
Outcome = Callable[[Sample], bool]


@dataclass(frozen=True)
class Rule:
    """What the thresholds must keep to; see `calibration.Thresholds`."""

    max_false_found: float = 0.02
    max_missed: float = 0.02
    min_probability: float = 0.5

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value < 1:
                raise InvalidArgumentError(f"{name} {value}; valid: from 0 to below 1")


def fit_calibration(
    samples: Sequence[Sample],
    *,
    weights_sha256: str,
    data: str,
    features: Sequence[Feature] = CHEAP_FEATURES,
    rule: Rule | None = None,
) -> Calibration:
    """data: what the samples were drawn from, in words. InvalidArgumentError where they are too few to fit on."""
    check_samples(samples)
    presence = held_out_probabilities(samples, features, _present)
    correctness = held_out_probabilities(samples, features, _correct)
    present = np.array([sample.present for sample in samples])
    thresholds = choose_thresholds(presence, correctness, present, rule or Rule())
    return Calibration(
        weights_sha256=weights_sha256,
        presence=fit_calibrator(samples, features, _present),
        correctness=fit_calibrator(samples, features, _correct),
        thresholds=thresholds,
        fitted=FitReport(
            data=data,
            n_pictures=len({sample.picture for sample in samples}),
            n=len(samples),
            n_absent=int((~present).sum()),
            presence=_scores([sample.presence for sample in samples], presence, present),
            correctness=_scores(
                [sample.probability for sample in samples],
                correctness,
                np.array([sample.correct for sample in samples]),
            ),
            **_rates(presence, correctness, present, thresholds),
        ),
    )


def check_samples(samples: Sequence[Sample]) -> None:
    n_present = sum(sample.present for sample in samples)
    n_absent, n_pictures = len(samples) - n_present, len({sample.picture for sample in samples})
    if min(n_present, n_absent) < MIN_OF_EACH or n_pictures < FOLDS:
        raise InvalidArgumentError(
            f"{n_present} phrases for things that are there and {n_absent} for things that are not, in {n_pictures} "
            f"pictures; valid: at least {MIN_OF_EACH} of each, in {FOLDS} pictures or more"
        )


def fit_calibrator(samples: Sequence[Sample], features: Sequence[Feature], outcome: Outcome) -> Calibrator:
    """One outcome of the samples. With one and the same everywhere, the features say nothing and get no weight."""
    x = np.array([[sample.features[name] for name in features] for sample in samples], dtype=np.float64)
    y = np.array([outcome(sample) for sample in samples])
    means, scales = x.mean(axis=0), x.std(axis=0)
    scales = np.where(scales > 1e-9, scales, 1.0)
    weights, intercept = np.zeros(len(features)), logit(float(y.mean()))
    if y.any() and not y.all():
        model = LogisticRegression(max_iter=1000).fit((x - means) / scales, y)
        weights, intercept = model.coef_[0], float(model.intercept_[0])
    parts = zip(features, means.tolist(), scales.tolist(), weights.tolist(), strict=True)
    return Calibrator(
        features={name: FeatureScale(mean=mean, scale=scale, weight=weight) for name, mean, scale, weight in parts},
        intercept=intercept,
        knots=fit_knots(((x - means) / scales) @ weights + intercept, y),
    )


def fit_knots(scores: Floats, outcomes: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    """(score, log-odds) of an isotonic regression: flat over each block but for a slight tilt, straight between.

    Frequencies of a block of n are shrunk as if half an answer more had gone each way, so that none is 0 or 1.
    """
    order = np.argsort(scores, kind="stable")
    scores, y = scores[order], outcomes[order].astype(np.float64)
    flat = isotonic_regression(_grouped(scores, y))
    # Levels of one block may differ by a rounding error.
    starts = np.flatnonzero(np.diff(flat, prepend=-1.0) > 1e-9)
    knots: list[tuple[float, float]] = []
    highest = -np.inf
    for block, hits in zip(np.split(scores, starts[1:]), np.split(y, starts[1:]), strict=True):
        highest = max(highest, logit((float(hits.sum()) + 0.5) / (len(hits) + 1.0)))
        for score in sorted({float(block[0]), float(block[-1])}):
            log_odds = (1 - _TILT) * highest + _TILT * score
            if not knots or (score > knots[-1][0] and log_odds > knots[-1][1]):
                knots.append((score, log_odds))
    return tuple(knots)


def _grouped(scores: Floats, outcomes: Floats) -> Floats:
    """Sorted outcomes as the means of neighbouring groups of about `_PER_BLOCK`; equal scores stay together."""
    edges = np.flatnonzero(np.diff(scores) > 0) + 1
    cuts: list[int] = []
    for edge in edges.tolist():
        if edge - (cuts[-1] if cuts else 0) >= _PER_BLOCK and len(scores) - edge >= _PER_BLOCK:
            cuts.append(edge)
    return np.concatenate([np.full(len(part), part.mean()) for part in np.split(outcomes, cuts)])


def held_out_probabilities(samples: Sequence[Sample], features: Sequence[Feature], outcome: Outcome) -> Floats:
    """(N,) each by a fit on the other folds; a picture is in one fold only."""
    found = np.zeros(len(samples))
    pictures = [sample.picture for sample in samples]
    for train, test in GroupKFold(FOLDS).split(pictures, groups=pictures):
        calibrator = fit_calibrator([samples[index] for index in train], features, outcome)
        found[test] = [calibrator.probability(samples[index].features) for index in test]
    return found


def choose_thresholds(presence: Floats, correctness: Floats, present: NDArray[np.bool_], rule: Rule) -> Thresholds:
    """The lowest found_from and the highest not_found_below that keep to the rule.

    Where they cross, every line between keeps to both bounds; the upper one is taken for both.
    """
    rivals = np.sort(presence[~present & (correctness >= rule.min_probability)])[::-1]
    allowed = int(rule.max_false_found * int((~present).sum()))
    found_from = _just_above(float(rivals[allowed]), presence) if len(rivals) > allowed else 0.0
    seen = np.sort(presence[present])
    not_found_below = float(seen[int(rule.max_missed * len(seen))])
    return Thresholds(
        not_found_below=not_found_below,
        found_from=max(found_from, not_found_below),
        min_probability=rule.min_probability,
        max_missed=rule.max_missed,
        max_false_found=rule.max_false_found,
    )


def _just_above(value: float, presence: Floats) -> float:
    """Half way to the next larger presence, or to 1."""
    larger = presence[presence > value]
    return (value + (float(larger.min()) if len(larger) else 1.0)) / 2


def _rates(presence: Floats, correctness: Floats, present: NDArray[np.bool_], lines: Thresholds) -> dict[str, float]:
    found = (presence >= lines.found_from) & (correctness >= lines.min_probability)
    return {
        "found": float(found[present].mean()),
        "false_found": float(found[~present].mean()),
        "missed": float((presence[present] < lines.not_found_below).mean()),
    }


def _scores(before: Sequence[float], after: Floats, outcomes: NDArray[np.bool_]) -> FitScores:
    truth = outcomes.tolist()
    return FitScores(
        auroc_before=_auroc(before, truth),
        auroc_after=_auroc(after.tolist(), truth),
        ece_before=ece(before, truth),
        ece_after=ece(after.tolist(), truth),
    )


def _auroc(scores: Sequence[float], truth: Sequence[bool]) -> float:
    pairs = list(zip(scores, truth, strict=True))
    return auroc([score for score, true in pairs if true], [score for score, true in pairs if not true])


def _present(sample: Sample) -> bool:
    return sample.present


def _correct(sample: Sample) -> bool:
    return sample.correct
