"""What is known of a phrase before it is judged: candidates, and the features that a calibration asks for."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from kosmos_agent import prompts
from kosmos_agent.calibration import Feature, logit
from kosmos_agent.inference.candidates import Decision, merge
from kosmos_agent.inference.corners import CornerScores, score_corners
from kosmos_agent.inference.frame import EncodedFrame
from kosmos_agent.inference.likelihood import blind_log_likelihood
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.phrases import swap_left_right
from kosmos_agent.results import Box, Candidate
from kosmos_agent.tokenizer import Tokenizer


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
    """A picture that was read, and its mirror image, which is read when a feature asks for it."""

    model: Kosmos2
    tokenizer: Tokenizer
    frame: EncodedFrame
    mirrored: Callable[[], EncodedFrame]


def gather(looks: Looks, phrases: Sequence[str], wanted: Collection[Feature], decision: Decision) -> list[Evidence]:
    """Evidence for each phrase with the features that fall out of the one pass, and of the others those `wanted`."""
    texts = [looks.tokenizer.encode_words(prompts.phrase_grounding(phrase)) for phrase in phrases]
    likely = not {"phrase_log_likelihood", "phrase_lift"}.isdisjoint(wanted)
    scores = score_corners(looks.model, looks.tokenizer, looks.frame, texts, phrase_likelihood=likely)
    evidence = [_evidence(item, looks.tokenizer.grid_side, decision) for item in scores]
    if "phrase_lift" in wanted:
        for item, text in zip(evidence, texts, strict=True):
            blind = blind_log_likelihood(looks.model, looks.tokenizer, text)
            item.features["phrase_lift"] = item.features["phrase_log_likelihood"] - blind
    if "mirror_iou" in wanted:
        for item, box in zip(evidence, _mirrored_boxes(looks, phrases, decision), strict=True):
            item.features["mirror_iou"] = item.candidates[0].box.iou(box)
    return evidence


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
    }


def mirror(box: Box) -> Box:
    """The same place in the mirror image."""
    return Box(x1=1.0 - box.x2, y1=box.y1, x2=1.0 - box.x1, y2=box.y2)


def _mirrored_boxes(looks: Looks, phrases: Sequence[str], decision: Decision) -> list[Box]:
    """The best box of each phrase as the mirror image has it, mirrored back."""
    swapped = [prompts.phrase_grounding(swap_left_right(phrase)) for phrase in phrases]
    texts = [looks.tokenizer.encode_words(text) for text in swapped]
    scores = score_corners(looks.model, looks.tokenizer, looks.mirrored(), texts)
    return [mirror(merge(item, looks.tokenizer.grid_side, decision)[0].box) for item in scores]
