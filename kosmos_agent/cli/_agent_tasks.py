"""The LangChain agent on the seeded tasks of the simulation: it claims, and a judge outside it knows."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, cast

from kosmos_sim.tasks import Claim, Person, Result, play, summary, tasks
from kosmos_sim.tasks.agents import Status
from kosmos_sim.tasks.play import Stage
from kosmos_sim.tasks.task import KINDS
from kosmos_sim.tasks.true_eyes import TrueEyes
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage
from langchain_kosmos.agent import build_agent
from langchain_kosmos.claims import Outcome, statement_of
from langchain_kosmos.running import Runner
from langchain_kosmos.tools import skill_tools
from rich.console import Console
from rich.progress import track
from rich.table import Table

from kosmos_agent.cli._load import ModelChoice, load_grounder
from kosmos_agent.grounder import Grounder
from kosmos_agent.skills import Limits, Skills

_STATUS: dict[Outcome, Status] = {"done": "done", "asked": "asked", "not_found": "not_found"}
_COLUMNS = ("tasks", "success", "wrong object", "guessed", "false claims", "tool calls", "most")
_MAX_TURNS = 4
_LIMITS = Limits(answer_timeout_s=120.0, motion_timeout_s=600.0)
"""Wide: a slow machine is not a failure of the agent."""


class OfflineAgent:
    """The agent with the command planner in place of a language model; nobody approves motions."""

    def __call__(self, command: str, skills: Skills, person: Person) -> Claim:
        # One thread alone: it steps the simulation and owns what was opened for drawing.
        runner = Runner(threads=1)
        try:
            return self._talked(command, skills, person, runner)
        finally:
            runner.run(lambda _: skills.close())
            runner.close()

    def _talked(self, command: str, skills: Skills, person: Person, runner: Runner) -> Claim:
        graph = build_agent("offline", tools=skill_tools(skills, runner=runner), approve=False)
        messages: list[AnyMessage] = [HumanMessage(command)]
        for _ in range(_MAX_TURNS):
            messages = graph.invoke({"messages": messages})["messages"]
            claim = claim_of(messages)
            reply = person(claim.words) if claim.status == "asked" else None
            if reply is None:
                break
            messages = [*messages, HumanMessage(reply)]
        return claim


def claim_of(messages: Sequence[AnyMessage]) -> Claim:
    """What the last word says, as its typed statement; without one nothing is claimed to be done."""
    calls = tuple(call["name"] for message in messages if isinstance(message, AIMessage) for call in message.tool_calls)
    statement = statement_of(messages)
    status: Status = "failed" if statement is None else _STATUS.get(statement.outcome, "failed")
    return Claim(status, calls, messages[-1].text)


def evaluate_agent(
    choice: ModelChoice, count: int, first: int, kinds: Sequence[str] | None, oracle: bool = False
) -> dict[str, Any]:
    """`kosmos_sim.tasks.summary` of the offline agent with this model for eyes, and what made it.

    oracle: with true boxes in place of the model's: what is lost elsewhere.
    """
    started = time.perf_counter()
    chosen = tasks(count, first, kinds or KINDS)
    grounder = None if oracle else load_grounder(choice)
    results: list[Result] = [
        play(task, OfflineAgent(), lambda stage: _skills(stage, grounder))
        for task in track(chosen, description="tasks", total=count, console=Console(stderr=True))
    ]
    return {
        **summary(results),
        "first": first,
        "agent": "offline",
        "model": "truth" if grounder is None else grounder.name,
        "seconds": time.perf_counter() - started,
    }


def _skills(stage: Stage, grounder: Grounder | None) -> Skills:
    eyes = grounder or cast(Grounder, TrueEyes(stage.world, stage.task))
    return Skills(stage.camera, eyes, stage.planner, limits=_LIMITS)


def print_scores(report: dict[str, Any]) -> None:
    """A table for people, and the failed tasks with their reasons."""
    console = Console()
    table = Table(title=f"{report['agent']} agent, {report['model']} model, {report['seconds']:.0f} s")
    for name in ("kind", *_COLUMNS):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind, figures in {"all": report, **report["by_kind"]}.items():
        table.add_row(kind, *_row(figures))
    console.print(table)
    for failed in report["failed"]:
        words = f"  {failed['index']} {failed['kind']}: {failed['command']}: {failed['reason']}"
        console.print(words, markup=False, highlight=False, soft_wrap=True)


def _row(figures: dict[str, Any]) -> list[str]:
    calls = figures["tool_calls"]
    shares = [f"{figures[name]:.0%}" for name in ("success", "wrong_object_rate")]
    counts = [str(figures[name]) for name in ("guessed", "false_claims")]
    return [str(figures["tasks"]), *shares, *counts, f"{calls['mean']:.1f}", str(calls["max"])]
