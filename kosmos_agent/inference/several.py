"""Where are all of these? Box after box written greedily behind `<object>`, until the model closes it.

Training ties a plural phrase to `<object> pair <delimiter> pair ... </object>` (paper 2.3). Every box costs the same
three tokens (object or delimiter, first corner, second corner), so phrases are written in step. Beside the written
first corner a few others are tried for the weight of the box: one cell up or down is the same thing, and the
probability of a single pair says little.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kosmos_agent.inference.candidates import Decision
from kosmos_agent.inference.frame import EncodedFrame
from kosmos_agent.inference.generate import StopCallback
from kosmos_agent.inference.grammar import Grammar
from kosmos_agent.inference.packed import PackedPhrases
from kosmos_agent.inference.scored_pairs import ScoredPair
from kosmos_agent.location import pair_to_box
from kosmos_agent.model.engine import Engine
from kosmos_agent.results import Candidate, Grounding
from kosmos_agent.tokenizer import Tokenizer

MOST_BOXES = 16
SAME_BOX_IOU = 0.6
"""Boxes that overlap so much are one thing written twice; two things one behind the other may well overlap less."""


@dataclass(frozen=True)
class WrittenBox:
    """opened: probability that the model opens `<object>` and then goes on as far as this box.

    pairs: the written one, then those that were tried.
    """

    opened: float
    pairs: tuple[ScoredPair, ...]


@dataclass(frozen=True)
class WrittenBoxes:
    """In the order in which they were written; at least one unless stopped."""

    boxes: tuple[WrittenBox, ...]
    stopped: bool


@torch.inference_mode()
def write_boxes(
    model: Engine,
    tokenizer: Tokenizer,
    frame: EncodedFrame,
    texts: Sequence[Sequence[int]],
    *,
    most: int = MOST_BOXES,
    first_corners: int = 8,
    second_corners: int = 16,
    should_stop: StopCallback | None = None,
) -> list[WrittenBoxes]:
    """`texts`: ids from `<grounding>` to `</phrase>`. `should_stop` is asked before each box."""
    packed = PackedPhrases(model, frame, sum(map(len, texts)) + len(texts) * most * (first_corners + 2))
    opens: list[float] = model.logits(packed.read(texts)).float().softmax(dim=-1)[:, tokenizer.object_id].tolist()
    boxes: list[list[WrittenBox]] = [[] for _ in texts]
    live, so_far, token, stopped = list(range(len(texts))), opens, tokenizer.object_id, False
    for _ in range(most):
        stopped = should_stop is not None and should_stop()
        if stopped or not live:
            break
        hidden = packed.write(live, [token] * len(live))
        pairs, hidden = _write_box(packed, tokenizer, live, hidden, (first_corners, second_corners))
        for phrase, p, found in zip(live, so_far, pairs, strict=True):
            boxes[phrase].append(WrittenBox(p, found))
        more = _goes_on(model, tokenizer, hidden)
        going = [place for place, p in enumerate(more) if p > 0.5]
        live, so_far = [live[place] for place in going], [so_far[place] * more[place] for place in going]
        token = tokenizer.delimiter_id
    return [WrittenBoxes(tuple(found), stopped) for found in boxes]


def _write_box(
    packed: PackedPhrases, tokenizer: Tokenizer, live: list[int], hidden: Tensor, corners: tuple[int, int]
) -> tuple[list[tuple[ScoredPair, ...]], Tensor]:
    """Two corners for each phrase. hidden: states at the object tags or delimiters; given back: behind the boxes."""
    rows = slice(tokenizer.first_location_id, tokenizer.first_location_id + tokenizer.location_count)
    first_p, first = packed.model.logits(hidden, rows).float().log_softmax(dim=-1).topk(corners[0], dim=-1)
    hidden = packed.branch(live, (first + tokenizer.first_location_id).tolist())
    allowed = Grammar(tokenizer, hidden.device).second_corners(first)
    second_logits = packed.model.logits(hidden, rows).float().masked_fill(~allowed, -torch.inf)
    second_p, second = second_logits.log_softmax(dim=-1).topk(corners[1], dim=-1)
    joint = (first_p[..., None] + second_p).exp()
    pairs = [_pairs(first[k].tolist(), second[k].tolist(), joint[k].tolist()) for k in range(len(live))]
    return pairs, packed.write(live, [tokenizer.location_id(found[0].pair[1]) for found in pairs])


def _pairs(first: list[int], second: list[list[int]], joint: list[list[float]]) -> tuple[ScoredPair, ...]:
    """All that are possible, the written one first."""
    return tuple(
        ScoredPair((corner, other), p)
        for corner, others, ps in zip(first, second, joint, strict=True)
        for other, p in zip(others, ps, strict=True)
        if p > 0
    )


def _goes_on(model: Engine, tokenizer: Tokenizer, hidden: Tensor) -> list[float]:
    """Probability of another box behind each: of the delimiter and `</object>`, which alone may follow a pair."""
    logits = model.logits(hidden).float()[:, [tokenizer.delimiter_id, tokenizer.object_end_id]]
    p: list[float] = logits.softmax(dim=-1)[:, 0].tolist()
    return p


def candidates_of(written: WrittenBoxes, side: int, decision: Decision) -> tuple[Candidate, ...]:
    """One for each box, in written order: what was opened times the weight of the pairs that mean the same box."""
    return tuple(_candidate(item, side, decision.merge_iou) for item in written.boxes)


def _candidate(item: WrittenBox, side: int, merge_iou: float) -> Candidate:
    box = pair_to_box(item.pairs[0].pair, side)
    weight = sum(other.probability for other in item.pairs if pair_to_box(other.pair, side).iou(box) >= merge_iou)
    return Candidate(box=box, probability=min(1.0, item.opened * weight))


def joined(answer: Grounding, written: Sequence[Candidate]) -> Grounding:
    """The answer to the phrase as one about `written` things, all of them meant; a thing written twice counts once.

    Presence and status stay, but `ambiguous` is found: what rivals one thing is meant here too. Where the answer's
    probabilities are not the model's own, those of the boxes are brought to the same scale, the first box being the
    answer's best.
    """
    things: list[Candidate] = []
    for found in written:
        twin = next((k for k, thing in enumerate(things) if thing.box.iou(found.box) >= SAME_BOX_IOU), None)
        if twin is None:
            things.append(found)
        elif found.probability > things[twin].probability:
            things[twin] = found
    scale = answer.best.probability / max(written[0].probability, 1e-12) if answer.candidates and written else 1.0
    scaled = [Candidate(box=item.box, probability=min(1.0, item.probability * scale)) for item in things]
    return answer.model_copy(
        update={
            "count": "many",
            "status": "found" if answer.status == "ambiguous" else answer.status,
            "question": None,
            "candidates": tuple(sorted(scaled, key=lambda item: -item.probability)),
        }
    )
