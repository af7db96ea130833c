"""A picture and its mirror image, asked the same and read as one answer (pure).

A model that was trained on mirrored pictures makes its mistakes in each of the two independently enough that their
mean is right more often than either.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.calibration import sigmoid
from kosmos_agent.inference.corners import CornerScores
from kosmos_agent.inference.scored_pairs import ScoredPairs
from kosmos_agent.location import Pair
from kosmos_agent.results import Box


def mirror_box(box: Box) -> Box:
    """The same place in the mirror image."""
    return Box(x1=1.0 - box.x2, y1=box.y1, x2=1.0 - box.x1, y2=box.y2)


def mirror_pair(pair: Pair, side: int) -> Pair:
    """The pair whose box is the mirror image, exactly; its own inverse."""
    (top, left), (bottom, right) = divmod(pair[0], side), divmod(pair[1], side)
    return top * side + side - 1 - right, bottom * side + side - 1 - left


def _mirror_cells(cells: NDArray[np.int64], side: int) -> NDArray[np.int64]:
    """`mirror_pair` of many, (N, 2)."""
    (top, left), (bottom, right) = (np.divmod(column, side) for column in cells.T)
    return np.stack([top * side + side - 1 - right, bottom * side + side - 1 - left], axis=1)


def read_as_one(seen: CornerScores, mirrored: CornerScores, side: int) -> CornerScores:
    """Pairs with the mean of their two probabilities, by weight; log-odds and entropies averaged.

    mirrored: of the mirror image, in its own coordinates. The likelihood of the phrase stays that of `seen`.
    """
    object_log_odds = math.fsum((seen.object_log_odds, mirrored.object_log_odds)) / 2
    return CornerScores(
        presence=sigmoid(object_log_odds),
        pairs=_shared(seen.pairs, mirrored.pairs, side),
        object_log_odds=object_log_odds,
        first_entropy=(seen.first_entropy + mirrored.first_entropy) / 2,
        second_entropy=(seen.second_entropy + mirrored.second_entropy) / 2,
        phrase_log_likelihood=seen.phrase_log_likelihood,
    )


def _shared(seen: ScoredPairs, mirrored: ScoredPairs, side: int) -> ScoredPairs:
    """Each pair once, the heaviest first; those of equal weight by their cells."""
    cells = np.concatenate([seen.cells, _mirror_cells(mirrored.cells, side)])
    halves = np.concatenate([seen.probabilities, mirrored.probabilities]) / 2
    keys, places = np.unique(cells[:, 0] * side**2 + cells[:, 1], return_inverse=True)
    weights = np.bincount(places, weights=halves).astype(np.float64)
    once = ScoredPairs(np.stack(np.divmod(keys, side**2), axis=1), weights)
    return once.by_weight()
