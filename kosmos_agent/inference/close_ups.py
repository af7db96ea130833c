"""Parts of a picture from near: each box seen through a window around it, both ways where that is the habit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

import torch
from torch import Tensor

from kosmos_agent import prompts
from kosmos_agent.inference.clauses import parse
from kosmos_agent.inference.corners import CornerScores, score_corners
from kosmos_agent.inference.frame import EncodedFrame, continue_frame
from kosmos_agent.inference.generate import Decoding, StopCallback, Views, Written, generate
from kosmos_agent.inference.looks import Looks
from kosmos_agent.inference.mirror import mirror_box, read_as_one
from kosmos_agent.inference.prompt import ReadPrompt, read
from kosmos_agent.inference.zoom import SecondLook, Zoom, second_look
from kosmos_agent.phrases import swap_left_right, swapped_words
from kosmos_agent.results import Box
from kosmos_agent.tokenizer import Tokenizer

MAX_BOXES = 8
"""Read in one pass; more would take memory without being faster."""


def second_looks(looks: Looks, zoom: Zoom, boxes: Sequence[Box], heads: Sequence[str]) -> list[SecondLook]:
    """Each box as the window around it shows what `heads` calls it."""
    found: list[SecondLook] = []
    for close, chosen in _in_turn(looks, zoom, boxes):
        found += close.second_looks(heads[chosen])
    return found


def describe_closely(
    looks: Looks, zoom: Zoom, boxes: Sequence[Box], decoding: Decoding, should_stop: StopCallback | None
) -> list[Written]:
    """What is in each box, in words alone."""
    written: list[Written] = []
    for close, _ in _in_turn(looks, zoom, boxes):
        written += close.describe(decoding, should_stop)
    return written


def name_and_place(
    looks: Looks, zoom: Zoom, boxes: Sequence[Box], decoding: Decoding, should_stop: StopCallback | None
) -> list[tuple[str, Box]]:
    """What is in each box, without where it is, and the box as seen from near; fewer where writing was stopped."""
    found: list[tuple[str, Box]] = []
    for close, _ in _in_turn(looks, zoom, boxes):
        written = close.describe(decoding, should_stop)
        if any(row.reason == "stopped" for row in written):
            return found
        words = [parse(looks.tokenizer.decode(row.ids).strip(" .")).head for row in written]
        seen = close.second_looks([word or "a thing" for word in words])
        found += [(word, look.box) for word, look in zip(words, seen, strict=True)]
    return found


def _in_turn(looks: Looks, zoom: Zoom, boxes: Sequence[Box]) -> Iterator[tuple[CloseUps, slice]]:
    for start in range(0, len(boxes), MAX_BOXES):
        chosen = slice(start, start + MAX_BOXES)
        yield CloseUps(looks, zoom, boxes[chosen]), chosen


class CloseUps:
    """Rows of the frames: the first box's window, its mirror image if looks go both ways, the second box's, ..."""

    def __init__(self, looks: Looks, zoom: Zoom, boxes: Sequence[Box]) -> None:
        self._looks, self._zoom, self._boxes = looks, zoom, boxes
        self._windows = [zoom.window(box, *looks.size) for box in boxes]

    @cached_property
    def _frames(self) -> EncodedFrame:
        return self._looks.parts([(window, way) for window in self._windows for way in self._looks.ways])

    def second_looks(self, heads: Sequence[str]) -> list[SecondLook]:
        side = self._looks.tokenizer.grid_side
        places = zip(self._boxes, self._scores(heads), self._windows, strict=True)
        return [second_look(box, scores, window, side, self._zoom) for box, scores, window in places]

    def describe(self, decoding: Decoding, should_stop: StopCallback | None) -> list[Written]:
        asked = self._asked_what(decoding.max_new_tokens)
        return generate(self._looks.model, self._looks.tokenizer, asked, decoding, should_stop, self._views())

    @torch.inference_mode()
    def told(self, tokens: int) -> Tensor:
        """(T, boxes, vocabulary): log-probabilities of the words for each box, each behind the likeliest before it."""
        model, views, state = self._looks.model, self._views(), self._asked_what(tokens)
        steps: list[Tensor] = []
        for _ in range(tokens):
            if steps:
                chosen = views.spread(steps[-1].argmax(dim=-1).tolist())
                state = read(model, torch.tensor(chosen, device=model.device)[:, None], after=state)
            steps.append(views.mean_log_p(model.logits(state.hidden).float().log_softmax(dim=-1)))
        return torch.stack(steps)

    def _asked_what(self, room: int) -> ReadPrompt:
        looks = self._looks
        ids = [
            looks.tokenizer.encode_words(prompts.expression_generation(mirror_box(box) if way else box))
            for box in self._boxes_within()
            for way in looks.ways
        ]
        return continue_frame(looks.model, self._frames, ids, room)

    def _views(self) -> Views:
        looks = self._looks
        swap = _swap(looks.tokenizer, looks.model.config.text.vocab_size)
        return Views(len(looks.ways), tuple(swap if way else None for way in looks.ways))

    def _boxes_within(self) -> list[Box]:
        return [window.to_window(box) for window, box in zip(self._windows, self._boxes, strict=True)]

    def _scores(self, heads: Sequence[str]) -> list[CornerScores]:
        looks = self._looks
        words = [swap_left_right(head) if way else head for head in heads for way in looks.ways]
        rows = score_corners(looks.model, looks.tokenizer, [self._frames], [[text] for text in looks.ids(words)])
        scores = [row[0] for row in rows]
        if not looks.both_ways:
            return scores
        pairs = zip(scores[::2], scores[1::2], strict=True)
        return [read_as_one(seen, mirrored, looks.tokenizer.grid_side) for seen, mirrored in pairs]


def _swap(tokenizer: Tokenizer, vocabulary: int) -> Tensor:
    """The vocabulary with left for right; words of several pieces stay as they are."""
    swap = torch.arange(vocabulary)
    for word, other in swapped_words().items():
        first, second = tokenizer.encode_words(word), tokenizer.encode_words(other)
        if len(first) == len(second) == 1:
            swap[first[0]] = second[0]
    return swap
