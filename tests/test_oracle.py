import json

import pytest
from kosmos_sim.oracle import main, summary, trial, trials

from kosmos_agent.errors import InvalidArgumentError

KINDS = ("cup", "bottle", "box", "bowl", "spoon", "ball")


def test_known_targets_are_lifted():
    results = list(trials(6, 40, KINDS))
    assert [result.category for result in results] == list(KINDS)
    assert sum(result.picked for result in results) >= 5
    report = summary(results)
    assert report["layouts"] == 6
    assert report["picked"] == sum(result.picked for result in results)


def test_a_large_error_is_not_forgiven():
    results = [trial(seed, "cup", error_m=0.2) for seed in (40, 41)]
    assert not all(result.picked for result in results)


def test_things_that_cannot_be_grasped_are_named():
    with pytest.raises(InvalidArgumentError, match=r"not graspable: plate; valid: cup"):
        list(trials(1, 0, ("cup", "plate")))


def test_command_prints_one_json_object(capsys):
    main(["--layouts", "1", "--seed", "40", "--categories", "block", "--json"])
    report = json.loads(capsys.readouterr().out)
    assert report["by_category"] == {"block": "1/1"}
    assert report["failures"] == []
