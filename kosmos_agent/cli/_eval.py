"""Labelled pictures from a folder or from the renderer, asked through the public face and summed up."""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from kosmos_agent.cli._load import ModelChoice, load_grounder, needs
from kosmos_agent.cli._output import make_folder
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.label_folder import LABELS_FILE, load_pictures, read_labels
from kosmos_agent.evaluation.labelled import LabelledPicture
from kosmos_agent.evaluation.run import evaluate

RENDERED = "rendered"
LOOKS = Path(__file__).parents[2] / "tests" / "data" / "looks"
"""Pictures of other renderers, a folder each: part of the repository, not of the installed package."""


@dataclass(frozen=True)
class Source:
    """`count` pictures, and what the report says of where they came from."""

    pictures: Iterable[LabelledPicture]
    count: int
    names: dict[str, str | None]

    @property
    def title(self) -> str:
        return " ".join(name for name in self.names.values() if name)


def choose_source(split: str | None, look: str | None, images: Path | None, scenes: int | None) -> Source:
    """The first `scenes` pictures of what the options name; of nothing named, the rendered test split.

    InvalidArgumentError for options that do not go together or a look that is not at hand, InvalidLabelsError for a
    folder that does not keep to the format.
    """
    if images is not None and look is not None:
        raise InvalidArgumentError("--look and --images name two sources; valid: one of them")
    if split is not None and (images is not None or look not in (None, RENDERED)):
        raise InvalidArgumentError(f"--split {split} is of rendered scenes; valid: --look {RENDERED}, or no --split")
    if images is not None:
        return _folder(images, scenes, {"look": None, "split": None, "images": str(images)})
    return _rendered(split or "test", scenes) if look in (None, RENDERED) else _look(str(look), scenes)


def _rendered(split: str, scenes: int | None) -> Source:
    with needs("sim"):
        from kosmos_agent.cli._rendered import split_pictures

    pictures, count = split_pictures(split, scenes)
    return Source(pictures, count, {"look": RENDERED, "split": split, "images": None})


def _look(name: str, scenes: int | None) -> Source:
    folder = LOOKS / name
    if not (folder / LABELS_FILE).is_file():
        raise InvalidArgumentError(
            f"--look {name}: its pictures are not here (no {folder / LABELS_FILE}); they come with a checkout of the "
            f"repository; valid without them: --look {RENDERED}, or --images with a folder of your own"
        )
    return _folder(folder, scenes, {"look": name, "split": None, "images": None})


def _folder(folder: Path, scenes: int | None, names: dict[str, str | None]) -> Source:
    labels = read_labels(folder)[:scenes]
    return Source(load_pictures(folder, labels), len(labels), names)


def evaluate_tabletop(choice: ModelChoice, source: Source, report: Path | None) -> dict[str, Any]:
    """The figures; `files`: the pictures in the folder `report`, where one was asked for."""
    if report is not None:
        with needs("train"):
            from kosmos_agent.evaluation.plots import write_plots
        make_folder(report, "--report")
    started = time.perf_counter()
    grounder = load_grounder(choice)
    bar = track(source.pictures, description=source.title, total=source.count, console=Console(stderr=True))
    evaluation = evaluate(grounder, bar)
    return {
        **evaluation.summary(),
        **source.names,
        "scenes": source.count,
        "model": grounder.name,
        "seconds": time.perf_counter() - started,
        "files": [] if report is None else [str(report / name) for name in write_plots(report, evaluation)],
    }
