"""From pairs of corners to separate things: the published order, and mean boxes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.inference.candidates import Decision, merge
from kosmos_agent.inference.corners import CornerScores
from kosmos_agent.inference.scored_pairs import ScoredPair, ScoredPairs
from kosmos_agent.location import box_to_pair, pair_to_box

SIDE = 32
LEFT, LEFT_TOO, RIGHT = (0.1, 0.1, 0.3, 0.3), (0.13, 0.1, 0.33, 0.3), (0.6, 0.6, 0.9, 0.9)


def scores(*weighted):
    pairs = ScoredPairs.of(ScoredPair(box_to_pair(corners), weight) for corners, weight in weighted)
    return CornerScores(0.9, pairs, object_log_odds=2.2, first_entropy=0.1, second_entropy=0.1)


def test_greedy_comes_first_as_published_and_the_weightiest_with_mean_boxes():
    found = scores((RIGHT, 0.3), (LEFT, 0.25), (LEFT_TOO, 0.2))
    published, mean = merge(found, SIDE, Decision()), merge(found, SIDE, Decision(mean_boxes=True))
    assert published[0].box == pair_to_box(box_to_pair(RIGHT), SIDE)
    assert [item.probability for item in published] == pytest.approx([0.3, 0.45])
    assert [item.probability for item in mean] == pytest.approx([0.45, 0.3])
    first, second = (pair_to_box(box_to_pair(corners), SIDE) for corners in (LEFT, LEFT_TOO))
    assert mean[0].box.x1 == pytest.approx((0.25 * first.x1 + 0.2 * second.x1) / 0.45)
    assert mean[0].box.y2 == pytest.approx(first.y2)


@given(st.lists(st.tuples(st.sampled_from([LEFT, LEFT_TOO, RIGHT]), st.floats(0.03, 0.3)), min_size=1, max_size=3))
def test_both_orders_hold_the_same_weight(weighted):
    found = scores(*weighted)
    sums = [sum(item.probability for item in merge(found, SIDE, Decision(mean_boxes=mean))) for mean in (False, True)]
    assert sums[0] == pytest.approx(sums[1])
    best, *others = merge(found, SIDE, Decision(mean_boxes=True))
    assert all(other.probability <= best.probability for other in others)
