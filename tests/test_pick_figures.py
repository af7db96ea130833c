"""Sums over closed-loop picks."""

import pytest

from kosmos_agent.cli._picks import PickTrial, summary


def test_picks_are_counted_beside_those_of_the_oracle():
    trials = [
        PickTrial(50_000, "the red cup", "picked", True, True, False),
        PickTrial(50_001, "the blue box", "planning_failed", False, True, False),
        PickTrial(50_002, "the tan bowl", "missed", False, True, True),
        PickTrial(50_003, "the green can", "picked", True, False, False),
    ]
    report = summary(trials)
    assert (report["layouts"], report["picked"], report["oracle_picked"]) == (4, 2, 3)
    assert report["picked_of_oracle"] == pytest.approx(1 / 3)
    assert report["moved_wrong_object"] == 1
    assert report["statuses"] == {"picked": 2, "planning_failed": 1, "missed": 1}
    assert report["not_picked"] == ["50001 the blue box: planning_failed", "50002 the tan bowl: missed"]


@pytest.mark.parametrize("trials", [[], [PickTrial(1, "the cup", "planning_failed", False, False, False)]])
def test_where_the_oracle_picks_nothing_the_share_is_zero(trials):
    assert summary(trials)["picked_of_oracle"] == 0.0
