"""Draws a held-out look into a folder of labelled pictures; what is there already stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import TypeAdapter

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.label_folder import LABELS_FILE
from kosmos_agent.evaluation.labelled import PictureLabels
from kosmos_sim.labelled import labelled_split
from kosmos_sim.looks.export import ExportedScene, export
from kosmos_sim.seeds import Purpose, generator
from kosmos_sim.splits import Split
from kosmos_sim.stream import GENERATOR_VERSION, staged_split

PICTURE_PX = 320
DESCRIPTION_FILE = "look.json"
_JPEG = {"quality": 86, "subsampling": 0}
_LABELS = TypeAdapter(PictureLabels)


class PictureRenderer(Protocol):
    """Draws exported scenes. description: its name, version and settings, in words."""

    @property
    def description(self) -> str: ...

    def picture(self, scene: ExportedScene, rng: np.random.Generator) -> NDArray[np.uint8]: ...

    def depth_m(self, scene: ExportedScene) -> NDArray[np.float64]: ...


def build_look(
    renderer: PictureRenderer,
    split: Split,
    folder: Path,
    count: int | None = None,
    done: Callable[[], None] = lambda: None,
) -> int:
    """Draws the scenes of the split that are missing, then writes the labels of all; returns how many there are.

    done: called after each picture. Safe to stop and call again. The labels come from MuJoCo's ids of the same scene.
    InvalidArgumentError where the folder holds pictures of another seed, size, renderer or version of the generator.
    """
    _claim(folder, split, renderer)
    lines = []
    for staged in staged_split(split, count, PICTURE_PX):
        (labelled,) = labelled_split(split, [staged.record])
        path = folder / labelled.labels.image
        if not path.exists():
            rng = generator(Purpose.LOOK, split.seed, staged.record.index)
            _save(renderer.picture(export(staged), rng), path)
        lines.append(_LABELS.dump_json(labelled.labels).decode() + "\n")
        done()
    _write_whole(folder / LABELS_FILE, "".join(lines))
    return len(lines)


def _claim(folder: Path, split: Split, renderer: PictureRenderer) -> None:
    wanted = {
        "look": split.name,
        "seed": split.seed,
        "generator": GENERATOR_VERSION,
        "size_px": PICTURE_PX,
        "renderer": renderer.description,
    }
    path = folder / DESCRIPTION_FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _write_whole(path, json.dumps(wanted, indent=1) + "\n")
    found = path.read_text(encoding="utf-8")
    if found != json.dumps(wanted, indent=1) + "\n":
        raise InvalidArgumentError(f"{folder} holds {' '.join(found.split())}, not {wanted}; name another folder")


def _save(rgb: NDArray[np.uint8], path: Path) -> None:
    partial = path.with_suffix(".partial")
    Image.fromarray(rgb).save(partial, format="JPEG", **_JPEG)
    partial.replace(path)


def _write_whole(path: Path, text: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8", newline="\n")
    partial.replace(path)
