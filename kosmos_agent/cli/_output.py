"""What commands print and write."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from kosmos_agent.errors import InvalidArgumentError

if TYPE_CHECKING:
    from PIL import Image

    from kosmos_agent.calibration import Calibration
    from kosmos_agent.cli._demo import Run
    from kosmos_agent.results import GroundedText, Grounding, Target3D

PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_STATUS_STYLES = {"found": typer.colors.GREEN, "ambiguous": typer.colors.YELLOW, "not_found": typer.colors.RED}
_STATE_STYLES = {"holds": typer.colors.GREEN, "fails": typer.colors.RED, "unsure": typer.colors.YELLOW}


def print_json(value: Mapping[str, Any]) -> None:
    """One object, one line, so that a reader may take the last line of stdout."""
    typer.echo(json.dumps(value, ensure_ascii=False))


def grounding_json(answer: Grounding) -> dict[str, Any]:
    """The answer with each box as four numbers in [0, 1]."""
    data = answer.model_dump(mode="json")
    data["candidates"] = [
        {"box": list(candidate.box.corners), "probability": candidate.probability} for candidate in answer.candidates
    ]
    for clause, dumped in zip(answer.clauses, data["clauses"], strict=True):
        dumped["anchor_box"] = None if clause.anchor_box is None else list(clause.anchor_box.corners)
    return data


def text_json(text: GroundedText) -> dict[str, Any]:
    """The text, its markdown, and its entities with each box as four numbers in [0, 1]."""
    data = text.model_dump(mode="json")
    for entity, dumped in zip(text.entities, data["entities"], strict=True):
        dumped["boxes"] = [list(box.corners) for box in entity.boxes]
    return {"text": text.text, "markdown": text.markdown, **data}


def run_json(run: Run) -> dict[str, Any]:
    """A demo's course: what was told, seen, aimed at and done, and both verdicts."""
    return {
        "instruction": run.instruction,
        "phrase": run.phrase,
        "seed": run.seed,
        "answer": None if run.answer is None else grounding_json(run.answer),
        "target": None if run.target is None else run.target.model_dump(mode="json"),
        "outcome": None if run.outcome is None else run.outcome.model_dump(mode="json"),
        "steps": [vars(step) for step in run.steps],
        "reason": run.reason,
        "files": run.files,
        "oracle_picked": run.oracle_picked,
        "picked": run.picked,
    }


def print_run(run: Run) -> None:
    """What came of a demo; the last line is the simulator's verdict."""
    typer.echo(f"files: {', '.join(run.files)}")
    if run.target is not None:
        typer.echo(target_words(run.target))
    if run.reason:
        typer.echo(f"reason: {run.reason}")
    typer.echo(f"oracle_picked: {str(run.oracle_picked).lower()}")
    typer.echo(f"picked: {str(run.picked).lower()}")


def target_words(target: Target3D) -> str:
    x, y, z = target.position_m
    spread_mm = 1000 * max(target.covariance_m2[0], target.covariance_m2[4]) ** 0.5
    return f"target: x {x:.3f}  y {y:.3f}  z {z:.3f} m in {target.frame_id}, sd {spread_mm:.0f} mm"


def print_grounding(answer: Grounding) -> None:
    status = typer.style(answer.status.replace("_", " "), fg=_STATUS_STYLES.get(answer.status), bold=True)
    count = f" {len(answer.meant)}" if answer.count == "many" and answer.meant else ""
    typer.echo(f"{status}{count}  {answer.question or answer.phrase}")
    width, height = answer.frame.width, answer.frame.height
    for rank, candidate in enumerate(answer.candidates):
        corners = "  ".join(f"{value:.3f}" for value in candidate.box.corners)
        x1, y1, x2, y2 = (round(value) for value in candidate.box.to_pixels(width, height))
        sure = f"{100 * candidate.probability:5.1f} %"
        typer.echo(f"  {rank + 1}  {sure}   {corners}   {x2 - x1} x {y2 - y1} px at ({x1}, {y1})")
    for clause in answer.clauses:
        state = typer.style(clause.state, fg=_STATE_STYLES[clause.state])
        typer.echo(f"  {state}  {clause.words}")
    if answer.called is not None:
        typer.echo(f"  asked about by itself, it looks like {answer.called!r}")
    if answer.unknown_words:
        typer.echo(f"  words that the model never learnt: {', '.join(answer.unknown_words)}")
    typer.secho(f"  {footer(answer)}", dim=True)


def footer(answer: Grounding) -> str:
    stages = "  ".join(f"{stage} {milliseconds:.0f} ms" for stage, milliseconds in answer.timings_ms.items())
    kind = "calibrated" if answer.probability_kind == "calibrated" else "not calibrated"
    return f"presence {100 * answer.presence:.1f} % ({kind})   {stages}   {answer.model}"


def check_picture_path(path: Path | None) -> None:
    """InvalidArgumentError, before any work is done, when no picture can be written at `path`."""
    if path is None:
        return
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        raise InvalidArgumentError(f"--out {path}: valid suffixes: {', '.join(PICTURE_SUFFIXES)}")
    try:
        exists = path.parent.is_dir()
    except OSError as error:
        raise InvalidArgumentError(f"--out {path} cannot be written: {error.strerror}") from error
    if not exists:
        raise InvalidArgumentError(f"--out {path}: the folder {path.parent} does not exist")


def make_folder(path: Path, option: str = "--out") -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InvalidArgumentError(f"{option} {path} is no folder: {error.strerror or error}") from error


def save_picture(image: Image.Image, path: Path) -> None:
    try:
        image.save(path)
    except OSError as error:
        raise InvalidArgumentError(f"--out {path} cannot be written: {error.strerror or error}") from error


def print_calibration(path: Path, calibration: Calibration) -> None:
    """What a fit gained on pictures that it had not seen, and where the lines were drawn."""
    fitted, lines = calibration.fitted, calibration.thresholds
    typer.echo(
        f"{fitted.data}: {fitted.n} phrases on {fitted.n_pictures} pictures, {fitted.n_absent} name nothing there"
    )
    for name, scores in (("presence", fitted.presence), ("correctness", fitted.correctness)):
        auroc = f"AUROC {scores.auroc_before:.3f} -> {scores.auroc_after:.3f}"
        typer.echo(f"  {name:<12}{auroc}   ECE {scores.ece_before:.3f} -> {scores.ece_after:.3f}")
    typer.echo(
        f"  not found below {lines.not_found_below:.3f}, found from {lines.found_from:.3f} with a box of "
        f"{lines.min_probability:.2f} or more"
    )
    typer.echo(
        f"  found: {fitted.found:.1%} of what is there, {fitted.false_found:.1%} of what is not; missed "
        f"{fitted.missed:.1%}"
    )
    typer.echo(str(path))
