"""A rendered split as a folder of pictures, drawn once, so that every engine sees the same files."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath

from rich.console import Console
from rich.progress import track

from kosmos_agent.cli._load import needs
from kosmos_agent.cli._output import make_folder
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.label_folder import LABELS_FILE, write_pictures
from kosmos_agent.evaluation.labelled import LabelledPicture


def rendered(split: str, out: Path | None) -> Path:
    """The folder below `out`; InvalidArgumentError without one. One that was not finished is begun again."""
    if out is None:
        raise InvalidArgumentError(f"--split {split} is drawn into a folder; valid with --out")
    with needs("sim"):
        from kosmos_agent.cli._rendered import split_pictures
    folder, part = out / "scenes" / split, out / "scenes" / f"{split}.part"
    if (folder / LABELS_FILE).is_file():
        return folder
    make_folder(out, "--out")
    shutil.rmtree(part, ignore_errors=True)
    pictures, count = split_pictures(split, None)
    bar = track(pictures, description=f"drawing {split}", total=count, console=Console(stderr=True))
    write_pictures(part, lossless(bar))
    part.rename(folder)
    return folder


def lossless(pictures: Iterable[LabelledPicture]) -> Iterator[LabelledPicture]:
    """To be written as PNG, so that the pictures that are asked are the ones that were drawn."""
    for picture in pictures:
        name = str(PurePosixPath(picture.labels.image).with_suffix(".png"))
        yield replace(picture, labels=replace(picture.labels, image=name))
