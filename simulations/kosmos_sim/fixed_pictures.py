"""A dozen fixed pictures, one for each kind of case that an answer can go wrong in; kept under `tests/data/fixed`.

Chosen by what they show, in the order of their seed, never by what a model answers.

    python -m kosmos_sim.fixed_pictures tests/data/fixed
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from kosmos_agent.evaluation.label_folder import write_pictures
from kosmos_agent.evaluation.labelled import LabelledPhrase, LabelledPicture, PictureLabels
from kosmos_agent.results import Box
from kosmos_sim.expressions.geometry import is_eligible
from kosmos_sim.records import SceneObject, SceneRecord
from kosmos_sim.splits import FIXED, scene_phrases
from kosmos_sim.stream import scene_records

SIDE_PX = 336
_PHRASES = 24
_TINY, _LARGE = 0.07, 0.12
_HIDDEN, _OPEN = 0.6, 0.9

Things = Sequence[SceneObject]
Asked = tuple[str, Things]
"""A phrase and what it names."""


def fixed_pictures() -> Iterator[LabelledPicture]:
    """One phrase a picture; its kind is the name of the case."""
    waiting = dict(_CASES)
    for record in scene_records(FIXED.seed, FIXED.scenes, size=SIDE_PX):
        for name, case in waiting.items():
            if (asked := case(record)) is not None:
                del waiting[name]
                yield _picture(record, name, *asked)
                break
        if not waiting:
            return


def _is_plain(thing: SceneObject) -> bool:
    return is_eligible(thing) and _side(thing) >= _LARGE and thing.visible >= _OPEN and not thing.truncated


def _is_occluded(thing: SceneObject) -> bool:
    return thing.visible < _HIDDEN and _side(thing) >= _TINY


def _is_tiny(thing: SceneObject) -> bool:
    return thing.visible >= _OPEN and _side(thing) < _TINY


def _side(thing: SceneObject) -> float:
    x1, y1, x2, y2 = thing.box
    return float(((x2 - x1) * (y2 - y1)) ** 0.5)


def _phrase(record: SceneRecord, kind: str, fits: Callable[[SceneObject], bool]) -> Asked | None:
    """The first phrase of the kind all of whose referents fit."""
    for found in scene_phrases(record, FIXED.seed, _PHRASES):
        things = [thing for thing in record.objects if thing.instance in found.referents]
        if found.kind == kind and all(map(fits, things)):
            return found.text, things
    return None


def _pair(record: SceneRecord) -> Asked | None:
    """A singular for two plain things of one category, and no third that shows at all."""
    for name in sorted({thing.category for thing in record.objects}):
        things = [thing for thing in record.objects if thing.category == name]
        if len(things) == 2 and all(map(_is_plain, things)):
            return f"the {name}", things
    return None


_KINDS = ("attribute", "category", "colour", "relation", "superlative", "ordinal", "size", "plural", "absent")
_CASES: dict[str, Callable[[SceneRecord], Asked | None]] = {
    **{kind: partial(_phrase, kind=kind, fits=_is_plain) for kind in _KINDS},
    "occluded": partial(_phrase, kind="attribute", fits=_is_occluded),
    "tiny": partial(_phrase, kind="attribute", fits=_is_tiny),
    "ambiguous": _pair,
}


def _picture(record: SceneRecord, case: str, text: str, things: Things) -> LabelledPicture:
    boxes = tuple(Box(x1=x1, y1=y1, x2=x2, y2=y2) for x1, y1, x2, y2 in (thing.box for thing in things))
    labels = PictureLabels(image=f"{case}.jpg", phrases=(LabelledPhrase(text, case, boxes),))
    return LabelledPicture(record.rgb, labels)


def main(out: Annotated[Path, typer.Argument(help="a new folder")]) -> None:
    """Render and write them."""
    typer.echo(f"{write_pictures(out, fixed_pictures())} pictures in {out}")


if __name__ == "__main__":
    typer.run(main)
