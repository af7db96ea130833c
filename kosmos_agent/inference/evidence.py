"""What is known of a phrase before it is judged: candidates, and the features that a calibration asks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from kosmos_agent import prompts
from kosmos_agent.calibration import Feature, logit
from kosmos_agent.inference.candidates import Decision, merge
from kosmos_agent.inference.clauses import parse
from kosmos_agent.inference.corners import CornerScores, score_corners, score_corners_apart
from kosmos_agent.inference.frame import EncodedFrame, Stopwatch
from kosmos_agent.inference.likelihood import blind_log_likelihood
from kosmos_agent.inference.mirror import mirror_box, read_as_one
from kosmos_agent.inference.windows import Window
from kosmos_agent.inference.zoom import SecondLook, Zoom, second_look
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.phrases import swap_left_right
from kosmos_agent.results import Candidate
from kosmos_agent.tokenizer import Tokenizer

MAX_PARTS = 16

Part = tuple[Window, bool]
"""What lies in a window, and whether its mirror image is looked at."""


@dataclass(frozen=True)
class Evidence:
    """presence: probability of `<object>`, not calibrated.

    candidates: the greedy one first; their probabilities are those of boxes once `<object>` is open.
    """

    presence: float
    candidates: tuple[Candidate, ...]
    features: dict[Feature, float]


@dataclass(frozen=True)
class Looks:
    """A picture that was read, and how to look at it again.

    size: width, height in pixels. mirrored: its mirror image. parts: what lies in windows, and whether mirrored.
    both_ways: whether the mirror image has a say in every answer. zoom: whether small things get a second look, and
    at what distance; None for never.
    """

    model: Kosmos2
    tokenizer: Tokenizer
    frame: EncodedFrame
    size: tuple[int, int]
    mirrored: Callable[[], EncodedFrame]
    parts: Callable[[Sequence[Part]], EncodedFrame]
    both_ways: bool = False
    zoom: Zoom | None = None

    def scores(self, frame: EncodedFrame, phrases: Sequence[str], *, likelihood: bool = False) -> list[CornerScores]:
        return score_corners(self.model, self.tokenizer, frame, self._texts(phrases), phrase_likelihood=likelihood)

    def scores_in(self, parts: Sequence[Part], phrases: Sequence[str]) -> list[CornerScores]:
        """Of phrase k in part k; at most MAX_PARTS are in memory at a time."""
        found: list[CornerScores] = []
        for start in range(0, len(parts), MAX_PARTS):
            chosen = slice(start, start + MAX_PARTS)
            frames = self.parts(parts[chosen])
            found += score_corners_apart(self.model, self.tokenizer, frames, self._texts(phrases[chosen]))
        return found

    def _texts(self, phrases: Sequence[str]) -> list[Sequence[int]]:
        return [self.tokenizer.encode_words(prompts.phrase_grounding(phrase)) for phrase in phrases]


def gather(
    looks: Looks, phrases: Sequence[str], wanted: Collection[Feature], decision: Decision, clock: Stopwatch
) -> list[Evidence]:
    """Evidence for each phrase with the features that come for nothing, and of the others those `wanted`."""
    likely = not {"phrase_log_likelihood", "phrase_lift"}.isdisjoint(wanted)
    side = looks.tokenizer.grid_side
    scores = looks.scores(looks.frame, phrases, likelihood=likely)
    mirrored = _in_the_mirror(looks, phrases) if looks.both_ways or "mirror_iou" in wanted else []
    pairs = list(zip(scores, mirrored, strict=False))
    joined = [read_as_one(*pair, side) for pair in pairs] if looks.both_ways else scores
    evidence = [_evidence(item, side, decision) for item in joined]
    if "phrase_lift" in wanted:
        for item, phrase in zip(evidence, phrases, strict=True):
            text = looks.tokenizer.encode_words(prompts.phrase_grounding(phrase))
            blind = blind_log_likelihood(looks.model, looks.tokenizer, text)
            item.features["phrase_lift"] = item.features["phrase_log_likelihood"] - blind
    if "mirror_iou" in wanted:
        for item, pair in zip(evidence, pairs, strict=True):
            box, other = (merge(found, side, decision)[0].box for found in pair)
            item.features["mirror_iou"] = box.iou(mirror_box(other))
    clock.lap("query")
    if looks.zoom is not None:
        evidence = _looked_again(looks, looks.zoom, phrases, evidence)
        clock.lap("zoom")
    return evidence


def _in_the_mirror(looks: Looks, phrases: Sequence[str]) -> list[CornerScores]:
    return looks.scores(looks.mirrored(), [swap_left_right(phrase) for phrase in phrases])


def _looked_again(looks: Looks, zoom: Zoom, phrases: Sequence[str], evidence: Sequence[Evidence]) -> list[Evidence]:
    """With the best candidate's box as a window around it shows it, where it is small and the looks agree."""
    small = [k for k, item in enumerate(evidence) if zoom.wants(item.candidates[0].box)]
    windows = [zoom.window(evidence[k].candidates[0].box, *looks.size) for k in small]
    heads = [parse(phrases[k]).plain_head for k in small]
    scores = looks.scores_in([(window, False) for window in windows], heads)
    side = looks.tokenizer.grid_side
    if looks.both_ways:
        mirrored = looks.scores_in([(window, True) for window in windows], [swap_left_right(head) for head in heads])
        scores = [read_as_one(*pair, side) for pair in zip(scores, mirrored, strict=True)]
    again = list(evidence)
    for k, window, seen in zip(small, windows, scores, strict=True):
        again[k] = _with_second_look(evidence[k], second_look(evidence[k].candidates[0].box, seen, window, side, zoom))
    return again


def _with_second_look(evidence: Evidence, look: SecondLook) -> Evidence:
    first, *others = evidence.candidates
    seen: dict[Feature, float] = {"window_log_odds": look.object_log_odds, "window_iou": look.agreement}
    candidates = (Candidate(box=look.box, probability=first.probability), *others)
    return Evidence(evidence.presence, candidates, {**evidence.features, **seen})


def _evidence(scores: CornerScores, side: int, decision: Decision) -> Evidence:
    candidates = merge(scores, side, decision)
    features = cheap_features(scores, candidates, decision)
    if scores.phrase_log_likelihood is not None:
        features["phrase_log_likelihood"] = scores.phrase_log_likelihood
    return Evidence(min(1.0, scores.presence), candidates, features)


def cheap_features(scores: CornerScores, candidates: Sequence[Candidate], decision: Decision) -> dict[Feature, float]:
    """`calibration.CHEAP_FEATURES`. A candidate below the noise, or none, weighs as much as the noise."""
    best, noise = candidates[0], decision.min_probability
    second = max([noise, *(item.probability for item in candidates[1:2])])
    return {
        "object_log_odds": scores.object_log_odds,
        "location_log_odds": logit(best.probability),
        "first_corner_entropy": scores.first_entropy,
        "second_corner_entropy": scores.second_entropy,
        "margin": math.log(max(best.probability, noise) / second),
        "box_side": best.box.side,
        "window_log_odds": scores.object_log_odds,
        "window_iou": 1.0,
    }
