"""The renderers of the two looks by name; each needs a package of its own, which loads when it is asked for."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from enum import StrEnum

from kosmos_agent.errors import MissingDependencyError
from kosmos_sim.looks.building import PictureRenderer
from kosmos_sim.splits import MITSUBA, OTHER_RENDERER, Split


class Look(StrEnum):
    """The value is the name of the split."""

    MITSUBA = "mitsuba"
    OTHER = "other"


@dataclass(frozen=True)
class _Entry:
    split: Split
    module: str
    name: str


_ENTRIES = {
    Look.MITSUBA: _Entry(MITSUBA, "kosmos_sim.looks.mitsuba_renderer", "MitsubaRenderer"),
    Look.OTHER: _Entry(OTHER_RENDERER, "kosmos_sim.looks.tiny_renderer", "TinyRenderer"),
}


def split_of_look(look: Look) -> Split:
    return _ENTRIES[look].split


def open_renderer(look: Look) -> PictureRenderer:
    """MissingDependencyError where its package is not installed."""
    entry = _ENTRIES[look]
    try:
        module = importlib.import_module(entry.module)
    except ImportError as error:
        raise MissingDependencyError(
            f"the look {look.value!r} needs another renderer ({error}); try: pip install 'kosmos-agent[looks]'"
        ) from error
    renderer: PictureRenderer = getattr(module, entry.name)()
    return renderer
