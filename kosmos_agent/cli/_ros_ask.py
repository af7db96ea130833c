"""What `ros find` and `ros pick` do: a goal sent into the graph, and its result in words or as JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import typer
from kosmos_interfaces.action import Pick
from kosmos_ros import asking, environment, stamps
from kosmos_ros.picks import PHASES, report_from_result
from kosmos_ros.session import open_session
from kosmos_ros.targets import LocatedTarget

from kosmos_agent.cli._output import grounding_json, print_grounding, print_json, target_words
from kosmos_agent.robot.pick import PickReport

PHASE_NAMES = {code: name for name, code in PHASES.items()}


def find(phrase: str, *, target_frame: str, timeout_s: float, domain_id: int | None, as_json: bool) -> bool:
    """Whether it was found. Errors of `asking.find` pass through."""
    with environment.applied(environment.for_process(domain_id=domain_id)), open_session(domain_id) as session:
        found = asking.find(session, phrase, target_frame=target_frame, timeout_s=timeout_s)
    if as_json:
        targets = [_target_json(target) for target in found.targets]
        reason = None if found.target_error is None else str(found.target_error)
        print_json(
            {
                **grounding_json(found.answer),
                "targets": targets,
                "no_targets_because": reason,
                "image_age_s": found.image_age_s,
            }
        )
    else:
        print_grounding(found.answer)
        for located in found.targets:
            typer.echo(f"  {target_words(located.target)}")
        if found.target_error is not None:
            typer.echo(f"  no target in metres: {found.target_error}")
        typer.secho(f"  the picture was {1000 * found.image_age_s:.0f} ms old", dim=True)
    return found.answer.status == "found"


def pick(phrase: str, *, timeout_s: float, domain_id: int | None, as_json: bool) -> bool:
    """Whether it was picked up. Errors of `asking.pick` and `report_from_result` pass through."""
    with environment.applied(environment.for_process(domain_id=domain_id)), open_session(domain_id) as session:
        hear = None if as_json else phase_lines(typer.echo)
        report = report_from_result(asking.pick(session, phrase, timeout_s=timeout_s, on_feedback=hear))
    if as_json:
        print_json(report_json(report))
    else:
        print_report(report)
    return report.picked


def phase_lines(say: Callable[[str], object]) -> Callable[[Pick.Feedback], None]:
    """Says each phase once, as it begins."""
    last: list[tuple[int, int]] = []

    def hear(feedback: Pick.Feedback) -> None:
        now = (feedback.phase, feedback.look)
        if last != [now]:
            last[:] = [now]
            name = PHASE_NAMES.get(feedback.phase, f"phase {feedback.phase}")
            look = f" {feedback.look}" if name in ("look", "ground", "locate") else ""
            say(f"{name + look:<10}{stamps.duration_s(feedback.elapsed):8.2f} s")

    return hear


def report_json(report: PickReport) -> dict[str, Any]:
    return {
        **report.model_dump(mode="json"),
        "answer": grounding_json(report.answer),
        "picked": report.picked,
    }


def print_report(report: PickReport) -> None:
    """The last line says whether it was picked up."""
    print_grounding(report.answer)
    if report.target is not None:
        typer.echo(f"  {target_words(report.target)}")
    if report.outcome is not None:
        typer.echo(f"  arm: {report.outcome.reason} in {report.outcome.phase} after {report.outcome.duration_s:.1f} s")
    if not report.picked:
        typer.echo(f"reason: {report.message}")
    typer.echo(f"picked: {str(report.picked).lower()}")


def _target_json(located: LocatedTarget) -> dict[str, Any]:
    return {**located.target.model_dump(mode="json"), "candidate": located.candidate, "id": located.track_id}
