"""Held-out scores while training: both corners decoded greedily, presence from the token after `</phrase>`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kosmos_agent.evaluation.referring import ReferringResult, auroc, summarise
from kosmos_agent.location import pair_to_corners
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.tokenizer import Tokenizer
from kosmos_agent.training.batches import Batch, Collate
from kosmos_agent.training.examples import Example, NormalisedBox
from kosmos_agent.training.losses import packed_hidden


@dataclass(frozen=True)
class _Query:
    """A phrase with one referent: its row, the place of its `<object>`, what is true."""

    row: int
    place: int
    kind: str
    box: NormalisedBox


@torch.no_grad()
def validate(model: Kosmos2, examples: Sequence[Example], collate: Collate, batch_size: int = 32) -> dict[str, object]:
    """`evaluation.referring.summarise` of the single-referent phrases, and `presence_auroc`."""
    results: list[ReferringResult] = []
    present: list[float] = []
    absent: list[float] = []
    for start in range(0, len(examples), batch_size):
        chunk = examples[start : start + batch_size]
        batch = collate(chunk).to(model.device)
        vision = model.vision_model(batch.pixels().to(model.dtype))
        hidden = packed_hidden(model, vision, batch)
        _collect_presence(model, hidden, batch, collate.tokenizer, present, absent)
        results += _decode_boxes(model, vision, hidden, batch, _queries(chunk, batch), collate.tokenizer)
    return {**summarise(results), "presence_auroc": auroc(present, absent)}


def _queries(examples: Sequence[Example], batch: Batch) -> list[_Query]:
    queries = []
    segments, pointers = batch.segments.tolist(), batch.pointers.tolist()
    for row, example in enumerate(examples):
        for number, task in enumerate(example.tasks, start=1):
            boxes = task.pieces[0].boxes
            if len(task.pieces) != 1 or boxes is None or len(boxes) != 1:
                continue
            inside = zip(segments[row], pointers[row], strict=True)
            places = [place for place, (segment, pointer) in enumerate(inside) if segment == number and pointer]
            queries += [_Query(row, place, task.kind, boxes[0]) for place in places]
    return queries


def _collect_presence(
    model: Kosmos2, hidden: Tensor, batch: Batch, tokenizer: Tokenizer, present: list[float], absent: list[float]
) -> None:
    decided = (batch.ids == tokenizer.phrase_end_id) & (batch.targets >= 0)
    opens = model.logits(hidden[decided]).float().log_softmax(dim=-1)[:, tokenizer.object_id].tolist()
    for score, target in zip(opens, batch.targets[decided].tolist(), strict=True):
        (present if target == tokenizer.object_id else absent).append(score)


def _decode_boxes(
    model: Kosmos2, vision: Tensor, hidden: Tensor, batch: Batch, queries: Sequence[_Query], tokenizer: Tokenizer
) -> list[ReferringResult]:
    row = torch.tensor([query.row for query in queries], dtype=torch.long, device=hidden.device)
    place = torch.tensor([query.place for query in queries], dtype=torch.long, device=hidden.device)
    rows = slice(tokenizer.first_location_id, tokenizer.first_location_id + tokenizer.location_count)
    first = model.logits(hidden[row, place], rows).argmax(dim=-1)
    batch.ids[row, place + 1] = first + tokenizer.first_location_id
    second_logits = model.logits(packed_hidden(model, vision, batch)[row, place + 1], rows).float()
    cell = torch.arange(tokenizer.location_count, device=hidden.device)
    side = tokenizer.grid_side
    inverted = (cell // side < (first // side)[:, None]) | (cell % side < (first % side)[:, None])
    second = second_logits.masked_fill(inverted, -torch.inf).argmax(dim=-1)
    pairs = zip(first.tolist(), second.tolist(), strict=True)
    return [
        ReferringResult(query.kind, _side(query.box), corner_iou(pair_to_corners(pair, side), query.box))
        for query, pair in zip(queries, pairs, strict=True)
    ]


def _side(box: NormalisedBox) -> float:
    return ((box[2] - box[0]) * (box[3] - box[1])) ** 0.5


def corner_iou(first: NormalisedBox, second: NormalisedBox) -> float:
    """Intersection over union of two x1, y1, x2, y2 boxes."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    overlap = width * height
    return overlap / (_side(first) ** 2 + _side(second) ** 2 - overlap)
