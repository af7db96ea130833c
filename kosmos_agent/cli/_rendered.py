"""Joins the fixed splits of the simulation to the evaluation; imported only where pictures are rendered."""

from __future__ import annotations

from collections.abc import Iterator

from kosmos_sim.labelled import labelled_split
from kosmos_sim.splits import TEST, VALIDATION
from kosmos_sim.stream import split_records

from kosmos_agent.evaluation.labelled import LabelledPicture

_SPLITS = {split.name: split for split in (TEST, VALIDATION)}


def split_pictures(name: str, scenes: int | None) -> tuple[Iterator[LabelledPicture], int]:
    """The first `scenes` of the split, or all; and how many they are."""
    split = _SPLITS[name]
    count = min(scenes or split.scenes, split.scenes)
    return labelled_split(split, split_records(split, count)), count
