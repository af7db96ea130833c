"""`kosmos-agent eval agent`: the LangChain agent on the suite, as a user types it; and how its claims are read."""

import json
from dataclasses import replace

import pytest

pytest.importorskip("langchain", reason="the agent extra is not installed")

from kosmos_sim.tasks import play
from kosmos_sim.tasks.suite import MIXTURE, task
from kosmos_sim.tasks.true_eyes import TrueEyes
from langchain_core.messages import AIMessage, HumanMessage
from langchain_kosmos.claims import Statement

from kosmos_agent.cli._agent_tasks import OfflineAgent, claim_of
from kosmos_agent.cli.app import main
from kosmos_agent.skills import Skills

FIGURES = {
    "tasks", "succeeded", "success", "wrong_object_rate", "nudged", "guessed", "false_claims", "tool_calls", "motions",
}  # fmt: skip


def said(outcome, *calls):
    steps = [AIMessage("", tool_calls=[{"name": name, "args": {}, "id": name}]) for name in calls]
    metadata = {} if outcome is None else Statement(outcome=outcome).as_metadata()
    return [HumanMessage("..."), *steps, AIMessage("So it is.", response_metadata=metadata)]


@pytest.mark.parametrize(
    ("outcome", "status"),
    [
        ("done", "done"),
        ("asked", "asked"),
        ("not_found", "not_found"),
        ("failed", "failed"),
        ("answered", "failed"),
        ("refused", "failed"),
        ("not_understood", "failed"),
        (None, "failed"),
    ],
)
def test_a_claim_is_read_from_the_last_word(outcome, status):
    claim = claim_of(said(outcome, "find_object", "pick_object"))
    assert (claim.status, claim.tool_calls, claim.words) == (status, ("find_object", "pick_object"), "So it is.")


def true_skills(stage):
    return Skills(stage.camera, TrueEyes(stage.world, stage.task), stage.planner)


@pytest.mark.parametrize("kind", ["ambiguous", "moved"])
def test_the_agent_sees_a_task_through(kind):
    given = task(MIXTURE.index(kind))
    result = play(given, OfflineAgent(), true_skills)
    assert result.success, result
    assert result.tool_calls == 2


def test_nobody_answers_and_the_agent_leaves_it_at_a_question():
    given = task(MIXTURE.index("ambiguous"))
    silent = replace(given, reply=None, wanted=None)
    result = play(silent, OfflineAgent(), true_skills)
    assert (result.claim, result.success, result.motions) == ("asked", True, 0)


def test_the_scores_as_json(capsys):
    assert main(["eval", "agent", "--tasks", "2", "--kind", "absent", "--kind", "pick", "--oracle", "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert set(report) >= FIGURES | {"by_kind", "failed", "first", "agent", "model", "seconds"}
    assert set(report["by_kind"]) == {"pick", "absent"}
    assert set(report["by_kind"]["pick"]) == FIGURES
    assert (report["model"], report["tasks"], report["success"], report["false_claims"]) == ("truth", 2, 1.0, 0)
    assert report["tool_calls"] == {"mean": 1.0, "max": 1}


def test_the_scores_for_people(capsys):
    assert main(["eval", "agent", "--tasks", "1", "--first", "2", "--threads", "1"]) == 0
    shown = capsys.readouterr().out
    assert "tabletop model" in shown
    assert "absent" in shown


def test_a_kind_that_is_none_is_refused(capsys):
    assert main(["eval", "agent", "--tasks", "1", "--kind", "juggle"]) != 0
    assert "valid: pick, relation" in capsys.readouterr().err
