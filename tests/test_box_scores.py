"""Scores of boxes against counts made by hand, and IoU against pycocotools."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycocotools import mask as coco_mask

from kosmos_agent.evaluation.scores.boxes import GroundingRecord, best_iou, grounding_figures, iou_px, mean_box

TRUE = (0.0, 0.0, 10.0, 10.0)
HALF = (0.0, 0.0, 10.0, 5.0)
"""IoU with TRUE is exactly 0.5: a hit in the published code, none in the paper's words."""
FAR = (50.0, 50.0, 60.0, 60.0)
INVERTED = (10.0, 10.0, 0.0, 0.0)

SIDES = st.integers(0, 40)
BOXES = st.builds(lambda x, y, w, h: (x, y, x + w + 1, y + h + 1), SIDES, SIDES, SIDES, SIDES)


def record(boxes_px, true_px=(TRUE,), kinds=(), refused=None):
    return GroundingRecord("1", "a.jpg", 100, 100, "a cup", kinds, tuple(true_px), tuple(boxes_px), "", refused)


@given(BOXES, BOXES)
def test_iou_is_that_of_pycocotools(box, other):
    as_xywh = [np.array([[x1, y1, x2 - x1, y2 - y1]], float) for x1, y1, x2, y2 in (box, other)]
    assert iou_px(box, other) == pytest.approx(float(coco_mask.iou(*as_xywh, [0])[0, 0]))
    assert iou_px(box, other) == iou_px(other, box)


@given(BOXES, BOXES)
def test_an_inverted_box_overlaps_nothing(box, other):
    x1, y1, x2, y2 = box
    assert iou_px((x2, y2, x1, y1), other) == 0.0
    assert iou_px((x1, y2, x2, y1), other) == 0.0


def test_exactly_half_is_a_hit_in_one_convention_alone():
    figures = grounding_figures([record([HALF])])
    assert (figures["accuracy_iou50"], figures["accuracy_iou50_strict"]) == (1.0, 0.0)
    assert (figures["recall_at_1"], figures["recall_at_1_strict"]) == (1.0, 0.0)


def test_a_set_counted_by_hand():
    """First boxes overlap by 1, 0.5, 0, 0 (none written), 0 (inverted); the third one's second box is right."""
    records = [record([TRUE]), record([HALF]), record([FAR, TRUE]), record([]), record([INVERTED], refused=None)]
    figures = grounding_figures(records)
    assert figures["n"] == 5
    assert figures["n_without_box"] == 1
    assert figures["accuracy_iou50"] == pytest.approx(2 / 5)
    assert figures["accuracy_iou75"] == figures["accuracy_iou90"] == pytest.approx(1 / 5)
    assert figures["mean_iou"] == pytest.approx(1.5 / 5)
    assert figures["recall_at_1"] == pytest.approx(2 / 5)
    assert figures["recall_at_5"] == figures["recall_at_10"] == figures["best_box_iou50"] == pytest.approx(3 / 5)
    # Mean box of the third: (25, 25, 35, 35), which misses; a single box is its own mean.
    assert figures["mean_box_iou50"] == pytest.approx(2 / 5)
    # Ten thresholds: the perfect box passes all, the half one the first alone.
    assert figures["m_acc"] == pytest.approx((10 + 1) / 10 / 5)


def test_recall_looks_at_the_first_boxes_alone():
    boxes = [FAR] * 5 + [TRUE] + [FAR] * 5
    figures = grounding_figures([record(boxes)])
    assert [figures[f"recall_at_{rank}"] for rank in (1, 5, 10)] == [0.0, 0.0, 1.0]
    assert grounding_figures([record([FAR] * 10 + [TRUE])])["recall_at_10"] == 0.0


def test_any_of_the_true_boxes_is_right():
    assert best_iou(TRUE, [FAR, TRUE]) == 1.0
    assert grounding_figures([record([FAR], [TRUE, FAR])])["accuracy_iou50"] == 1.0


def test_kinds_are_counted_by_themselves_and_a_record_in_each_of_its_own():
    records = [record([TRUE], kinds=("people", "clothing")), record([FAR], kinds=("people",)), record([TRUE])]
    figures = grounding_figures(records)
    assert {name: (kind["n"], kind["accuracy_iou50"]) for name, kind in figures["by_kind"].items()} == {
        "clothing": (1, 1.0),
        "people": (2, 0.5),
    }
    assert figures["accuracy_iou50"] == pytest.approx(2 / 3)


def test_what_was_refused_counts_as_a_miss():
    figures = grounding_figures([record([], refused="names nothing"), record([TRUE])])
    assert (figures["n"], figures["n_refused"], figures["accuracy_iou50"]) == (2, 1, 0.5)


def test_of_nothing_there_is_no_figure():
    figures = grounding_figures([])
    assert figures["n"] == 0
    assert figures["accuracy_iou50"] is None
    assert mean_box([]) == (0.0, 0.0, 0.0, 0.0)
