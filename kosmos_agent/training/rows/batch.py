"""Packed rows as one padded batch of tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from kosmos_agent.processor import IMAGE_MEAN, IMAGE_STD
from kosmos_agent.training.rows.packing import Row
from kosmos_agent.training.rows.sample import NO_TARGET

PADDING = -1


@dataclass
class TokenBatch:
    """B rows of T tokens, P pictures, K counted tokens.

    ids, positions, slots: (B, T). documents: (B, T), the place of the sample in its row, -1 on padding.
    segments: (B, T), see `Sample`. counted: (K,), flat places where something is learnt; targets, sources: (K,).
    rgb: (P, S, S, 3) uint8 in the order of the slots; P is 0 where no row has a picture.
    """

    ids: Tensor
    positions: Tensor
    slots: Tensor
    documents: Tensor
    segments: Tensor
    counted: Tensor
    targets: Tensor
    sources: Tensor
    rgb: Tensor

    def to(self, device: torch.device) -> TokenBatch:
        return TokenBatch(*(getattr(self, item.name).to(device, non_blocking=True) for item in fields(self)))

    def pixels(self) -> Tensor:
        """(P, 3, S, S) float32, normalised as the processor does."""
        mean = torch.tensor(IMAGE_MEAN, device=self.rgb.device) * 255
        std = torch.tensor(IMAGE_STD, device=self.rgb.device) * 255
        return ((self.rgb.float() - mean) / std).permute(0, 3, 1, 2)

    def attention_mask(self) -> Tensor:
        """Bool (B, 1, T, T): a token sees its own sample's shared part and its own segment, up to itself."""
        same = self.documents[:, :, None] == self.documents[:, None, :]
        query, key = self.segments[:, :, None], self.segments[:, None, :]
        length = self.ids.shape[1]
        past = torch.ones(length, length, dtype=torch.bool, device=self.ids.device).tril()
        own = torch.eye(length, dtype=torch.bool, device=self.ids.device)
        return ((same & ((key == 0) | (key == query)) & past) | own)[:, None]


def batch_of(rows: Sequence[Row], pad_id: int, image_size: int) -> TokenBatch:
    """No rows make an empty batch: one pad in which nothing is learnt."""
    length = max((sum(len(placed.sample) for placed in row) for row in rows), default=1)
    shape = (max(len(rows), 1), length)
    ids = np.full(shape, pad_id, np.int64)
    positions, slots = np.ones(shape, np.int64), np.zeros(shape, np.bool_)
    documents, segments = np.full(shape, PADDING, np.int64), np.zeros(shape, np.int64)
    targets, sources = np.full(shape, NO_TARGET, np.int64), np.zeros(shape, np.int64)
    for index, row in enumerate(rows):
        start = 0
        for number, (sample, source) in enumerate((placed.sample, placed.source) for placed in row):
            here = (index, slice(start, start + len(sample)))
            ids[here], positions[here], slots[here] = sample.ids, sample.positions, sample.slots
            documents[here], segments[here] = number, sample.segments
            targets[here], sources[here] = sample.targets, source
            start += len(sample)
    places = (targets.reshape(-1) != NO_TARGET).nonzero()[0]
    return TokenBatch(
        ids=torch.from_numpy(ids),
        positions=torch.from_numpy(positions),
        slots=torch.from_numpy(slots),
        documents=torch.from_numpy(documents),
        segments=torch.from_numpy(segments),
        counted=torch.from_numpy(places),
        targets=torch.from_numpy(targets.reshape(-1)[places]),
        sources=torch.from_numpy(sources.reshape(-1)[places]),
        rgb=_pictures(rows, image_size),
    )


def _pictures(rows: Sequence[Row], image_size: int) -> Tensor:
    pictures = [rgb for row in rows for placed in row for rgb in placed.sample.pictures]
    return (
        torch.from_numpy(np.stack(pictures))
        if pictures
        else torch.zeros(0, image_size, image_size, 3, dtype=torch.uint8)
    )
