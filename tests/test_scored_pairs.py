"""Boxes as arrays are the boxes that they stand for."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.inference.candidates import Decision, merge
from kosmos_agent.inference.corners import CornerScores
from kosmos_agent.inference.scored_pairs import ScoredPair, ScoredPairs, as_box, iou_with, mean_box
from kosmos_agent.location import pair_to_box

SIDE = 32
CELLS = st.integers(0, SIDE - 1)


@st.composite
def scored_pairs(draw):
    left, right = sorted((draw(CELLS), draw(CELLS)))
    top, bottom = sorted((draw(CELLS), draw(CELLS)))
    return ScoredPair((top * SIDE + left, bottom * SIDE + right), draw(st.floats(1e-6, 0.05)))


LISTS = st.lists(scored_pairs(), min_size=1, max_size=20)


@given(LISTS)
def test_corners_and_overlaps_are_those_of_the_boxes_bit_for_bit(listed):
    boxes = [pair_to_box(item.pair, SIDE) for item in listed]
    corners = ScoredPairs.of(listed).corners(SIDE)
    assert [tuple(row) for row in corners.tolist()] == [box.corners for box in boxes]
    for row, box in zip(corners, boxes, strict=True):
        assert as_box(row) == box
        assert iou_with(corners, row).tolist() == [box.iou(other) for other in boxes]


@given(LISTS)
def test_pairs_come_out_as_they_went_in_and_by_weight(listed):
    pairs = ScoredPairs.of(listed)
    assert list(pairs) == listed
    assert list(pairs.by_weight()) == sorted(listed, key=lambda item: -item.probability)


def one_by_one(listed, decision):
    """Boxes and weights of separate things: each pair joins the first thing whose first box it overlaps."""
    ordered = sorted(listed, key=lambda item: -item.probability) if decision.mean_boxes else listed
    things = []
    for item in ordered:
        box = pair_to_box(item.pair, SIDE)
        same = next((thing for thing in things if thing[0][0].iou(box) >= decision.merge_iou), None)
        if same is None:
            things.append([(box, item.probability)])
        else:
            same.append((box, item.probability))
    weight = {id(thing): sum(p for _, p in thing) for thing in things}
    if decision.mean_boxes:
        things.sort(key=lambda thing: -weight[id(thing)])
    first, *others = things
    kept = [thing for thing in others if weight[id(thing)] >= decision.min_probability]
    return [(thing, weight[id(thing)]) for thing in [first, *sorted(kept, key=lambda thing: -weight[id(thing)])]]


@given(LISTS, st.booleans(), st.sampled_from([0.0, 0.02, 0.1]))
def test_merging_is_as_one_pair_after_the_other(listed, mean_boxes, noise):
    decision = Decision(mean_boxes=mean_boxes, min_probability=noise)
    found = merge(CornerScores(0.9, ScoredPairs.of(listed), 2.2, 0.1, 0.1), SIDE, decision)
    expected = one_by_one(listed, decision)
    assert [item.probability for item in found] == pytest.approx([min(1.0, weight) for _, weight in expected])
    if len({round(weight, 9) for _, weight in expected}) < len(expected):
        return
    for candidate, (thing, _) in zip(found, expected, strict=True):
        boxes = [box.corners for box, _ in thing]
        mean = np.average(boxes, axis=0, weights=[p for _, p in thing])
        assert candidate.box.corners == pytest.approx(tuple(mean) if mean_boxes else boxes[0])


@given(LISTS, st.floats(0.1, 10))
def test_only_the_proportions_of_weights_matter_to_a_mean(listed, factor):
    corners, weights = ScoredPairs.of(listed).corners(SIDE), np.array([item.probability for item in listed])
    assert mean_box(corners, weights * factor).corners == pytest.approx(mean_box(corners, weights).corners)
