"""Joins the fixed splits of the simulation to the evaluation; imported only by the command that evaluates."""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np
from kosmos_sim.splits import TEST, VALIDATION, Split, split_phrases
from kosmos_sim.stream import split_records
from numpy.typing import NDArray
from rich.console import Console
from rich.progress import track

from kosmos_agent.cli._load import ModelChoice, load_grounder
from kosmos_agent.evaluation.grounding import LabelledPhrase, evaluate_grounding
from kosmos_agent.results import Box

_SPLITS = {split.name: split for split in (TEST, VALIDATION)}


def evaluate_tabletop(choice: ModelChoice, split: str, scenes: int | None) -> dict[str, object]:
    """Render the split, ask every phrase through the public face, sum up."""
    started = time.perf_counter()
    chosen = _SPLITS[split]
    count = min(scenes or chosen.scenes, chosen.scenes)
    grounder = load_grounder(choice)
    pictures = track(
        labelled_scenes(chosen, count), description=f"{split} scenes", total=count, console=Console(stderr=True)
    )
    report = evaluate_grounding(grounder, pictures)
    return {
        **report.summary(),
        "split": split,
        "scenes": count,
        "model": grounder.name,
        "seconds": time.perf_counter() - started,
    }


def labelled_scenes(split: Split, count: int) -> Iterator[tuple[NDArray[np.uint8], list[LabelledPhrase]]]:
    """The first `count` scenes of a split with their fixed phrases."""
    for record, expressions in split_phrases(split, split_records(split, count)):
        boxes = {thing.instance: _box(thing.box) for thing in record.objects}
        yield (
            record.rgb,
            [LabelledPhrase(e.text, e.kind, tuple(boxes[instance] for instance in e.referents)) for e in expressions],
        )


def _box(corners: tuple[float, float, float, float]) -> Box:
    x1, y1, x2, y2 = corners
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)
