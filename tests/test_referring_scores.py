"""Scores of referring comprehension, against figures worked out by hand."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.evaluation.referring import ReferringResult, auroc, figures, size_class, summarise

SCORES = st.lists(st.integers(0, 4).map(float), min_size=1, max_size=8)


def test_a_hit_is_an_overlap_of_at_least_the_threshold():
    ious = (0.5, 0.75, 0.4999, 0.7499, 0.0)
    assert figures([ReferringResult("plain", 0.2, iou) for iou in ious]) == {
        "n": 5,
        "accuracy_iou50": pytest.approx(3 / 5),
        "accuracy_iou75": pytest.approx(1 / 5),
        "mean_iou": pytest.approx(2.4998 / 5),
    }


def test_nothing_answered_has_no_accuracy():
    assert figures([]) == {"n": 0}
    empty = {"n": 0}
    assert summarise([]) == {
        "n": 0,
        "by_kind": {},
        "by_size": {"lt7": empty, "7to12": empty, "ge12": empty},
        "by_kind_ge12": {},
        "relation_superlative_ge12": empty,
    }


@pytest.mark.parametrize(
    ("side", "name"),
    [(0.0, "lt7"), (0.0699, "lt7"), (0.07, "7to12"), (0.1199, "7to12"), (0.12, "ge12"), (1.0, "ge12")],
)
def test_a_size_class_begins_at_its_lower_edge(side, name):
    assert size_class(side) == name


def test_the_summary_groups_by_kind_and_by_size():
    results = [
        ReferringResult("plain", 0.05, 1.0),
        ReferringResult("plain", 0.12, 0.6),
        ReferringResult("relation", 0.3, 0.2),
        ReferringResult("relation", 0.07, 0.8),
    ]
    report = summarise(results)
    assert (report["n"], report["accuracy_iou50"], report["accuracy_iou75"]) == (4, 0.75, 0.5)
    assert {kind: found["accuracy_iou50"] for kind, found in report["by_kind"].items()} == {
        "plain": 1.0,
        "relation": 0.5,
    }
    assert {size: found["n"] for size, found in report["by_size"].items()} == {"lt7": 1, "7to12": 1, "ge12": 2}
    assert report["by_size"]["ge12"]["mean_iou"] == pytest.approx(0.4)
    assert {kind: found["mean_iou"] for kind, found in report["by_kind_ge12"].items()} == {
        "plain": 0.6,
        "relation": 0.2,
    }
    assert report["relation_superlative_ge12"]["n"] == 1


@pytest.mark.parametrize(
    ("positive", "negative", "area"),
    [
        ((0.9, 0.8), (0.1, 0.2), 1.0),
        ((0.1,), (0.2, 0.3), 0.0),
        ((0.5, 0.5), (0.5,), 0.5),
        ((0.5, 0.9), (0.5, 0.1), 3.5 / 4),
        ((0.3, 0.7), (0.5,), 0.5),
        ((), (0.5,), 0.5),
        ((0.5,), (), 0.5),
        ((), (), 0.5),
    ],
)
def test_area_under_the_curve(positive, negative, area):
    assert auroc(positive, negative) == pytest.approx(area)


@given(SCORES, SCORES)
def test_the_area_is_the_share_of_pairs_in_order(positive, negative):
    pairs = [1.0 if a > b else 0.5 if a == b else 0.0 for a in positive for b in negative]
    assert auroc(positive, negative) == pytest.approx(sum(pairs) / len(pairs))
