"""Packed rows and dense labels as one padded batch of tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields, replace

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import IterableDataset, get_worker_info

from kosmos_agent.processor import IMAGE_MEAN, IMAGE_STD
from kosmos_agent.tokenizer import Tokenizer
from kosmos_agent.training.examples import Example
from kosmos_agent.training.sequences import PackedRow, pack

PADDING_SEGMENT = -1


@dataclass
class Batch:
    """B pictures, T tokens, G x G cells. `targets` is -1 and `segments` is -1 on padding.

    rgb: (B, S, S, 3) uint8. ids, segments, positions, targets, pointers: (B, T), see `PackedRow`.
    coverage: (B, N, G*G), share of a cell that instance n covers; row 0 is the background.
    category, colour: (B, G*G), 0 is background. box: (B, G*G, 4) of the object that covers the cell most.
    """

    rgb: Tensor
    ids: Tensor
    segments: Tensor
    positions: Tensor
    targets: Tensor
    pointers: Tensor
    coverage: Tensor
    category: Tensor
    colour: Tensor
    box: Tensor

    def to(self, device: torch.device) -> Batch:
        return Batch(*(getattr(self, item.name).to(device, non_blocking=True) for item in fields(self)))

    def pin_memory(self) -> Batch:
        return Batch(*(getattr(self, item.name).pin_memory() for item in fields(self)))

    def pixels(self) -> Tensor:
        """(B, 3, S, S) float32, normalised as the processor does."""
        mean = torch.tensor(IMAGE_MEAN, device=self.rgb.device) * 255
        std = torch.tensor(IMAGE_STD, device=self.rgb.device) * 255
        return ((self.rgb.float() - mean) / std).permute(0, 3, 1, 2)

    def attention_mask(self) -> Tensor:
        """Bool (B, 1, T, T): a token sees the prefix and its own segment up to itself."""
        query, key = self.segments[:, :, None], self.segments[:, None, :]
        length = self.segments.shape[1]
        past = torch.ones(length, length, dtype=torch.bool, device=self.segments.device).tril()
        own = torch.eye(length, dtype=torch.bool, device=self.segments.device)
        return ((((key == query) | (key == 0)) & past) | own)[:, None]


@dataclass(frozen=True)
class Vocabulary:
    """Names of the classes of the dense labels; class 0 is background."""

    categories: tuple[str, ...]
    colours: tuple[str, ...]


@dataclass
class Collate:
    """A list of examples -> `Batch`. Picklable, so that loader processes can be spawned.

    smallest_px: batches go round the sides from the pictures' own down to this, in steps of two cells: a small
    picture costs a third and teaches nearly as much, and the tower keeps no favourite size. None: their own size.
    In turn, not at random, so that processes which wait for each other work on equal sizes.
    """

    tokenizer: Tokenizer
    vocabulary: Vocabulary
    slots: int
    cell_px: int = 16
    max_tokens: int = 288
    smallest_px: int | None = None
    turn: int = 0

    def __call__(self, examples: Sequence[Example]) -> Batch:
        side = self._next_side(examples[0].rgb.shape[0])
        examples = [_shrunk(example, side) for example in examples]
        rows = [pack(example, self.tokenizer, self.slots, self.max_tokens) for example in examples]
        most = max(len(example.objects) for example in examples)
        cells = examples[0].rgb.shape[0] // self.cell_px
        dense = [dense_labels(example, self.vocabulary, cells, most + 1) for example in examples]
        coverage, category, colour, box = (torch.from_numpy(np.stack(part)) for part in zip(*dense, strict=True))
        return Batch(
            rgb=torch.from_numpy(np.stack([example.rgb for example in examples])),
            ids=_padded(rows, "ids", self.tokenizer.pad_id),
            segments=_padded(rows, "segments", PADDING_SEGMENT),
            positions=_padded(rows, "positions", 1),
            targets=_padded(rows, "targets", -1),
            pointers=_padded(rows, "pointers", 0),
            coverage=coverage,
            category=category,
            colour=colour,
            box=box,
        )

    def _next_side(self, own: int) -> int:
        sides = range(own, (self.smallest_px or own) - 1, -2 * self.cell_px)
        self.turn += 1
        return sides[self.turn % len(sides)]


def _shrunk(example: Example, side: int) -> Example:
    if example.rgb.shape[0] == side:
        return example
    return replace(example, rgb=np.asarray(cv2.resize(example.rgb, (side, side), interpolation=cv2.INTER_AREA)))


def _padded(rows: Sequence[PackedRow], name: str, fill: int) -> Tensor:
    length = max(len(row.ids) for row in rows)
    out = np.full((len(rows), length), fill, dtype=np.int64)
    for index, row in enumerate(rows):
        values = getattr(row, name)
        out[index, : len(values)] = values
    return torch.from_numpy(out)


def dense_labels(
    example: Example, vocabulary: Vocabulary, cells: int, instances: int
) -> tuple[NDArray[np.float32], NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Coverage (instances, cells^2), category, colour (cells^2) and box (cells^2, 4); see `Batch`."""
    fine = cells * 8
    names = cv2.resize(example.instance_map, (fine, fine), interpolation=cv2.INTER_NEAREST)
    one_hot = names[None] == np.arange(instances, dtype=np.uint8)[:, None, None]
    counts = one_hot.reshape(instances, cells, 8, cells, 8).sum((2, 4)).reshape(instances, -1)
    coverage = counts.astype(np.float32) / 64
    top = np.where(coverage[1:].max(0, initial=0) > 0.1, coverage[1:].argmax(0) + 1 if instances > 1 else 0, 0)
    category, colour = np.zeros(instances, np.int64), np.zeros(instances, np.int64)
    box = np.zeros((instances, 4), np.float32)
    for index, item in enumerate(example.objects, start=1):
        category[index] = 1 + vocabulary.categories.index(item.category)
        colour[index] = 1 + vocabulary.colours.index(item.colour)
        box[index] = item.box
    return coverage, category[top], colour[top], box[top]


class ExampleStream(IterableDataset[Example]):
    """`make(seed)` gives an endless iterator; every loader process gets a seed of its own."""

    def __init__(self, make: Callable[[int], Iterator[Example]], seed: int) -> None:
        self.make = make
        self.seed = seed

    def __iter__(self) -> Iterator[Example]:
        worker = get_worker_info()
        cv2.setNumThreads(1)
        return self.make(self.seed * 64 + (worker.id if worker is not None else 0))
