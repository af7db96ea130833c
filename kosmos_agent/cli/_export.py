"""Writes an export, and asks it what torch is asked too."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from kosmos_agent.cli._load import ModelChoice, load_grounder, needs
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.agreement import Agreement
from kosmos_agent.evaluation.labelled import LabelledPicture
from kosmos_agent.export.folder import Format, export_model
from kosmos_agent.grounder import Grounder
from kosmos_agent.model.checkpoint import load_tokenizer, read_config
from kosmos_agent.model.folder import locate
from kosmos_agent.processor import Processor

CALIBRATION_SCENES = 32


def export(model: str, out: Path, written_as: str, *, int8: bool = False) -> dict[str, Any]:
    """What was written, with the size of each file in bytes."""
    folder = locate(model)
    manifest = export_model(folder, out, _int8_format(folder, written_as) if int8 else _format(written_as))
    return {
        "folder": str(out),
        "format": manifest.format,
        "precision": manifest.precision,
        "weights_sha256": manifest.weights_sha256,
        "versions": manifest.versions,
        "files": {name: (out / name).stat().st_size for name in manifest.files},
    }


def compare(choice: ModelChoice, scenes: int | None) -> dict[str, Any]:
    """The answers of the export that `choice` names as its runtime, held against those of torch in float32."""
    with needs("sim"):
        from kosmos_agent.cli._rendered import split_pictures

    exported = load_grounder(choice)
    reference = load_grounder(replace(choice, runtime="torch", dtype="float32"))
    pictures, count = split_pictures("test", scenes)
    agreement = Agreement()
    for picture in track(pictures, "test", total=count, console=Console(stderr=True)):
        _ask_both(reference, exported, picture, agreement)
    changed = [f"{item.phrase}: {' -> '.join(item.statuses)}" for item in agreement.changed_status]
    return {"scenes": count, "summary": agreement.summary(), "changed": changed}


def _ask_both(reference: Grounder, other: Grounder, picture: LabelledPicture, agreement: Agreement) -> None:
    labels = picture.labels
    views = [grounder.view(picture.rgb) for grounder in (reference, other)]
    words = [phrase.text for phrase in labels.phrases]
    if words:
        answers = zip(*(view.find_all(words) for view in views), strict=True)
        for phrase, pair in zip(labels.phrases, answers, strict=True):
            agreement.add(pair[0], pair[1], phrase.boxes)
    if labels.questions:
        questions = [question.text for question in labels.questions]
        for texts in zip(*(view.answer_all(questions) for view in views), strict=True):
            agreement.add_texts(*texts)


def _int8_format(folder: Path, written_as: str) -> Format:
    """Ranges are measured on scenes that the test split does not hold."""
    if written_as != "openvino":
        raise InvalidArgumentError(f"--int8 with --format {written_as}; valid: --format openvino")
    with needs("fast"):
        from kosmos_agent.export.openvino_int8 import Int8Format
    with needs("sim"):
        from kosmos_agent.cli._rendered import split_pictures

    pictures, count = split_pictures("validation", CALIBRATION_SCENES)
    processor = Processor.for_config(load_tokenizer(folder), read_config(folder))
    bar = track(pictures, "ranges", total=count, console=Console(stderr=True))
    return Int8Format([processor.pixels([picture.rgb]) for picture in bar])


def _format(name: str) -> Format:
    if name == "onnx":
        with needs("onnx"):
            from kosmos_agent.export import onnx_format
        return onnx_format
    with needs("fast"):
        from kosmos_agent.export import openvino_format
    return openvino_format
