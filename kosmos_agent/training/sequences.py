"""From an `Example` to one packed row of token ids (specification 5.3, 6.3).

A row is the image prefix, `<s><image>slots</image>`, once, followed by every task as a segment of its own. A segment
sees the prefix and itself; its positions go on from the prefix as if it stood there alone, exactly as at run time.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.location import box_to_pair
from kosmos_agent.model.decoder import FIRST_POSITION
from kosmos_agent.tokenizer import Tokenizer
from kosmos_agent.training.examples import Example, Piece, Task

NO_INSTANCE = 0
TELL_END_EVERY = 4
"""Of the single boxes, one in so many goes on to `</object></s>`: what always follows needs no more practice."""


@dataclass(frozen=True)
class PackedRow:
    """T tokens. Targets are aligned to their SOURCE token: entry i speaks of the token after i in its segment.

    The last token of a segment is a target only, as in 6.3.
    segments: 0 for the prefix, k for task k. targets: the next id, -1 where there is no loss.
    pointers: instance id that the location pair after this token marks, 0 elsewhere.
    """

    ids: NDArray[np.int64]
    segments: NDArray[np.int64]
    positions: NDArray[np.int64]
    targets: NDArray[np.int64]
    pointers: NDArray[np.int64]


@dataclass
class _Segment:
    ids: list[int] = field(default_factory=list)
    is_target: list[bool] = field(default_factory=list)
    pointers: list[int] = field(default_factory=list)

    def add(self, ids: Iterable[int], *, target: bool) -> None:
        for token in ids:
            self.ids.append(token)
            self.is_target.append(target)
            self.pointers.append(NO_INSTANCE)

    def point(self, instance: int) -> None:
        """The location pair that comes next belongs to `instance`."""
        self.pointers[-1] = instance


def prefix_ids(tokenizer: Tokenizer, slots: int) -> list[int]:
    """`<s><image>`, the image slots with the ids that follow <unk>, `</image>` (specification 2.2)."""
    first = tokenizer.first_image_slot_id
    return [tokenizer.bos_id, tokenizer.image_id, *range(first, first + slots), tokenizer.image_end_id]


def pack(example: Example, tokenizer: Tokenizer, slots: int, max_tokens: int = 288) -> PackedRow:
    """One row; tasks that would make it longer than `max_tokens` are left out, later ones first."""
    prefix = prefix_ids(tokenizer, slots)
    ids, segments = list(prefix), [0] * len(prefix)
    positions = list(range(FIRST_POSITION, FIRST_POSITION + len(prefix)))
    targets, pointers = [-1] * len(prefix), [NO_INSTANCE] * len(prefix)
    for number, task in enumerate(example.tasks, start=1):
        segment = encode_task(task, tokenizer)
        length = len(segment.ids) - 1
        if _is_single_box(task) and number % TELL_END_EVERY:
            length -= 2
        if len(ids) + length > max_tokens:
            continue
        ids += segment.ids[:length]
        segments += [number] * length
        positions += range(FIRST_POSITION + len(prefix), FIRST_POSITION + len(prefix) + length)
        following = zip(segment.ids[1 : length + 1], segment.is_target[1 : length + 1], strict=True)
        targets += [token if wanted else -1 for token, wanted in following]
        pointers += segment.pointers[:length]
    arrays = (np.array(values, dtype=np.int64) for values in (ids, segments, positions, targets, pointers))
    return PackedRow(*arrays)


def encode_task(task: Task, tokenizer: Tokenizer) -> _Segment:
    segment = _Segment()
    if task.grounded:
        segment.add([tokenizer.grounding_id], target=False)
    for piece in task.pieces:
        if piece.boxes is None:
            segment.add(_words(piece.text, tokenizer), target=piece.given == "nothing")
        else:
            _add_link(segment, piece, tokenizer)
    segment.add([tokenizer.eos_id], target=True)
    return segment


def _is_single_box(task: Task) -> bool:
    boxes = task.pieces[-1].boxes
    return boxes is not None and len(boxes) == 1 and task.pieces[-1].given == "text"


def _add_link(segment: _Segment, piece: Piece, tokenizer: Tokenizer) -> None:
    words = [tokenizer.phrase_id, *_words(piece.text, tokenizer), tokenizer.phrase_end_id]
    segment.add(words, target=piece.given == "nothing")
    if not piece.boxes:
        return
    wanted = piece.given != "all"
    for number, box in enumerate(piece.boxes):
        segment.add([tokenizer.object_id if number == 0 else tokenizer.delimiter_id], target=wanted)
        if wanted and number < len(piece.instances):
            segment.point(piece.instances[number])
        segment.add((tokenizer.location_id(index) for index in box_to_pair(box, tokenizer.grid_side)), target=wanted)
    segment.add([tokenizer.object_end_id], target=wanted)


def _words(text: str, tokenizer: Tokenizer) -> tuple[int, ...]:
    """Ids of a run of words. One that starts without a space (a comma) must not gain the tokenizer's own."""
    bare = None if text.startswith(" ") else tokenizer.token_id(text)
    return tokenizer.encode_words(text) if bare is None else (bare,)
