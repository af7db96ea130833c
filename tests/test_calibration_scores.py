"""Expected calibration error and reliability bins."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.calibration_scores import BINS, ece, reliability_bins

ANSWERS = st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=80)


@given(ANSWERS, st.integers(1, 20))
def test_bins_hold_every_answer_once_and_equally_many(answers, bins):
    said, came_true = zip(*answers, strict=True)
    found = reliability_bins(said, came_true, bins)
    counts = [item.count for item in found]
    assert sum(counts) == len(answers)
    assert len(found) == min(bins, len(answers))
    assert max(counts) - min(counts) <= 1
    means = [item.mean_probability for item in found]
    assert means == sorted(means)
    assert sum(item.count * item.frequency for item in found) == pytest.approx(sum(came_true))
    assert all(0 <= item.frequency <= 1 + 1e-9 for item in found)


@given(ANSWERS, st.randoms())
def test_the_order_of_the_answers_does_not_matter(answers, rng):
    shuffled = list(answers)
    rng.shuffle(shuffled)
    one, other = (ece(*zip(*items, strict=True)) for items in (answers, shuffled))
    assert one == pytest.approx(other)
    assert 0 <= one <= 1


def test_what_comes_true_as_often_as_said_has_no_error():
    said = np.repeat([0.1, 0.3, 0.5, 0.8, 1.0], 150)
    came_true = np.concatenate([np.arange(150) < 150 * p for p in (0.1, 0.3, 0.5, 0.8, 1.0)])
    assert ece(said, came_true, 5) == pytest.approx(0.0)
    assert ece(said, came_true, BINS) == pytest.approx(0.0)


@given(st.floats(0, 1), st.integers(0, 40), st.integers(1, 40))
def test_one_probability_for_all_is_wrong_by_its_distance_from_the_frequency(said, hits, misses):
    outcomes = [True] * hits + [False] * misses
    assert ece([said] * len(outcomes), outcomes) == pytest.approx(abs(said - hits / len(outcomes)), abs=1e-9)


def test_certain_and_wrong_is_an_error_of_one():
    assert ece([1.0, 0.0, 1.0], [False, True, False]) == 1.0


def test_of_no_answers_there_are_no_bins():
    assert reliability_bins([], []) == []
    assert ece([], []) == 0.0


@pytest.mark.parametrize(
    ("said", "came_true", "bins"),
    [([0.5], [True, False], 3), ([1.5], [True], 3), ([float("nan")], [True], 3), ([0.5], [True], 0)],
)
def test_what_is_no_probability_is_refused(said, came_true, bins):
    with pytest.raises(InvalidArgumentError):
        reliability_bins(said, came_true, bins)
