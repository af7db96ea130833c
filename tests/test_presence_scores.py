"""Rates of statuses and the precision-recall curve."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.evaluation.presence import precision_recall, status_rate

SCORES = st.lists(st.integers(0, 6).map(lambda value: value / 6), max_size=10)


def test_a_rate_is_a_share_of_the_answers():
    assert status_rate(["found", "cannot_tell", "found", "not_found"], "found") == 0.5
    assert status_rate(["ambiguous"], "found") == 0.0
    assert status_rate([], "found") is None


@given(SCORES, SCORES)
def test_each_point_is_what_its_threshold_gives(positive, negative):
    points = precision_recall(positive, negative)
    thresholds = sorted({*positive, *negative}, reverse=True) if positive else []
    assert len(points) == len(thresholds)
    for (recall, precision), threshold in zip(points, thresholds, strict=True):
        right = sum(score >= threshold for score in positive)
        said = right + sum(score >= threshold for score in negative)
        assert (recall, precision) == (pytest.approx(right / len(positive)), pytest.approx(right / said))


@given(SCORES, SCORES)
def test_recall_rises_to_one(positive, negative):
    recalls = [recall for recall, _ in precision_recall(positive, negative)]
    assert recalls == sorted(recalls)
    assert recalls[-1:] == ([1.0] if positive else [])
