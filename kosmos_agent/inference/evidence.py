"""What is known of a phrase before it is judged: candidates, and the features that a calibration asks for."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from kosmos_agent import prompts
from kosmos_agent.calibration import Feature, logit
from kosmos_agent.inference.candidates import Decision, merge
from kosmos_agent.inference.clauses import parse
from kosmos_agent.inference.close_ups import second_looks
from kosmos_agent.inference.corners import CornerScores
from kosmos_agent.inference.frame import Stopwatch
from kosmos_agent.inference.likelihood import blind_log_likelihood
from kosmos_agent.inference.looks import Looks
from kosmos_agent.inference.mirror import mirror_box, read_as_one
from kosmos_agent.inference.relations import claim_features
from kosmos_agent.inference.zoom import SecondLook, Zoom
from kosmos_agent.results import Candidate

SEEN_FROM = 0.5
"""Probability of `<object>` from which an anchor's box is taken for a place."""


@dataclass(frozen=True)
class Evidence:
    """presence: probability of `<object>`, not calibrated.

    candidates: the greedy one first; their probabilities are those of boxes once `<object>` is open.
    """

    presence: float
    candidates: tuple[Candidate, ...]
    features: dict[Feature, float]


def gather(
    looks: Looks, phrases: Sequence[str], wanted: Collection[Feature], decision: Decision, clock: Stopwatch
) -> list[Evidence]:
    """Evidence for each phrase with the features that come for nothing, and of the others those `wanted`.

    What a phrase claims of place is only compared with anchors that are among the phrases (`clauses.with_anchors`).
    """
    likely = not {"phrase_log_likelihood", "phrase_lift"}.isdisjoint(wanted)
    side = looks.tokenizer.grid_side
    ways = looks.scores(phrases, mirrored=looks.both_ways or "mirror_iou" in wanted, likelihood=likely)
    joined = [read_as_one(*pair, side) for pair in zip(ways[0], ways[1], strict=True)] if looks.both_ways else ways[0]
    evidence = [_evidence(item, side, decision) for item in joined]
    if "phrase_lift" in wanted:
        for item, phrase in zip(evidence, phrases, strict=True):
            text = looks.tokenizer.encode_words(prompts.phrase_grounding(phrase))
            blind = blind_log_likelihood(looks.model, looks.tokenizer, text)
            item.features["phrase_lift"] = item.features["phrase_log_likelihood"] - blind
    if "mirror_iou" in wanted:
        for item, pair in zip(evidence, zip(ways[0], ways[1], strict=True), strict=True):
            box, other = (merge(found, side, decision)[0].box for found in pair)
            item.features["mirror_iou"] = box.iou(mirror_box(other))
    clock.lap("query")
    if looks.zoom is not None:
        evidence = _looked_again(looks, looks.zoom, phrases, evidence)
        clock.lap("zoom")
    _compare_claims(phrases, evidence)
    return evidence


def _compare_claims(phrases: Sequence[str], evidence: Sequence[Evidence]) -> None:
    pairs = list(zip(phrases, evidence, strict=True))
    seen = {phrase: item.candidates[0].box for phrase, item in pairs if item.presence >= SEEN_FROM}
    for phrase, item in pairs:
        item.features.update(claim_features(parse(phrase).clauses, item.candidates[0].box, seen))


def _looked_again(looks: Looks, zoom: Zoom, phrases: Sequence[str], evidence: Sequence[Evidence]) -> list[Evidence]:
    """With the best candidate's box as a window around it shows it, where it is small and the looks agree."""
    small = [k for k, item in enumerate(evidence) if zoom.wants(item.candidates[0].box)]
    boxes = [evidence[k].candidates[0].box for k in small]
    heads = [parse(phrases[k]).plain_head for k in small]
    again = list(evidence)
    for k, look in zip(small, second_looks(looks, zoom, boxes, heads), strict=True):
        again[k] = _with_second_look(evidence[k], look)
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
