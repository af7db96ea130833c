"""A picture and its mirror image, asked the same and read as one answer (pure).

A model that was trained on mirrored pictures makes its mistakes in each of the two independently enough that their
mean is right more often than either.
"""

from __future__ import annotations

import math
from collections import defaultdict

from kosmos_agent.calibration import sigmoid
from kosmos_agent.inference.corners import CornerScores, ScoredPair
from kosmos_agent.location import Pair
from kosmos_agent.results import Box


def mirror_box(box: Box) -> Box:
    """The same place in the mirror image."""
    return Box(x1=1.0 - box.x2, y1=box.y1, x2=1.0 - box.x1, y2=box.y2)


def mirror_pair(pair: Pair, side: int) -> Pair:
    """The pair whose box is the mirror image, exactly; its own inverse."""
    (top, left), (bottom, right) = divmod(pair[0], side), divmod(pair[1], side)
    return top * side + side - 1 - right, bottom * side + side - 1 - left


def read_as_one(seen: CornerScores, mirrored: CornerScores, side: int) -> CornerScores:
    """Pairs with the mean of their two probabilities, by weight; log-odds and entropies averaged.

    mirrored: of the mirror image, in its own coordinates. The likelihood of the phrase stays that of `seen`.
    """
    weights: dict[Pair, float] = defaultdict(float)
    for scored in seen.pairs:
        weights[scored.pair] += scored.probability / 2
    for scored in mirrored.pairs:
        weights[mirror_pair(scored.pair, side)] += scored.probability / 2
    ranked = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
    object_log_odds = math.fsum((seen.object_log_odds, mirrored.object_log_odds)) / 2
    return CornerScores(
        presence=sigmoid(object_log_odds),
        pairs=tuple(ScoredPair(pair, weight) for pair, weight in ranked),
        object_log_odds=object_log_odds,
        first_entropy=(seen.first_entropy + mirrored.first_entropy) / 2,
        second_entropy=(seen.second_entropy + mirrored.second_entropy) / 2,
        phrase_log_likelihood=seen.phrase_log_likelihood,
    )
