"""Several pictures at once: read in one pass, and asked in one pass. The answers are those of one picture at a time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from kosmos_agent.grounder import Grounder
from kosmos_agent.images import as_rgb_array
from kosmos_agent.inference.frame import EncodedFrame, encode_frames
from kosmos_agent.processor import Picture
from kosmos_agent.results import Frame, Grounding
from kosmos_agent.view import View

Taken = tuple[Picture, int | None, str]
"""A picture, its stamp_ns and its frame_id."""


def view_together(grounder: Grounder, taken: Sequence[Taken]) -> list[View]:
    """As `Grounder.view` of each, with their mirror images where the model looks at those. InvalidImageError."""
    if not taken:
        return []
    rgbs = [as_rgb_array(picture) for picture, _, _ in taken]
    mirrors = [np.ascontiguousarray(rgb[:, ::-1]) for rgb in rgbs] if grounder.profile.both_ways else []
    rows = _rows(encode_frames(grounder.model, grounder.processor, [*rgbs, *mirrors]), len(rgbs) + len(mirrors))
    views = []
    for place, (rgb, (_, stamp_ns, frame_id)) in enumerate(zip(rgbs, taken, strict=True)):
        height, width = rgb.shape[:2]
        frame = Frame(width=width, height=height, stamp_ns=stamp_ns, frame_id=frame_id)
        mirrored = rows[len(rgbs) + place] if mirrors else None
        views.append(View(grounder, frame, rows[place], rgb, mirrored))
    return views


def find_together(asked: Sequence[tuple[View, Sequence[str]]]) -> list[list[Grounding]]:
    """As `View.find_all` of each."""
    return [view.find_all(phrases) for view, phrases in asked]


def _rows(frames: EncodedFrame, count: int) -> list[EncodedFrame]:
    return [frames.row(index) for index in range(count)]
