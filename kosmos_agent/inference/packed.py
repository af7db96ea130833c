"""Several phrases written in step in one packed row behind a frame: each sees the image prefix and itself."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kosmos_agent.inference.frame import EncodedFrame
from kosmos_agent.model.engine import Engine

_UNSEEN = -1
"""Owner of a token that was only tried: nothing that comes later sees it."""


class PackedPhrases:
    """Phrase k owns the tokens that were read or written for it. room: tokens that may come behind the frame."""

    def __init__(self, model: Engine, frame: EncodedFrame, room: int) -> None:
        self.model = model
        self._cache = frame.prefix.cache.fork(room)
        self._prefix = frame.prefix.ids.shape[1]
        self._start = int(frame.prefix.next_position[0])
        self._owners = torch.empty(0, dtype=torch.long, device=model.device)
        self._lengths: list[int] = []

    def read(self, texts: Sequence[Sequence[int]]) -> Tensor:
        """The phrases, once, at the beginning; (n, D) states of their last tokens."""
        self._lengths = [len(text) for text in texts]
        owners = self._tensor([phrase for phrase, text in enumerate(texts) for _ in text])
        places = self._tensor([place for text in texts for place in range(len(text))])
        order = torch.arange(len(owners), device=owners.device)
        own = (owners[:, None] == owners[None]) & (order[:, None] >= order[None])
        hidden = self._append([token for text in texts for token in text], owners, places, own, owners)
        return hidden[self._tensor(self._lengths).cumsum(dim=0) - 1]

    def write(self, phrases: Sequence[int], tokens: Sequence[int]) -> Tensor:
        """One more token for each of these phrases; (n, D) states behind them."""
        return self.branch(phrases, [[token] for token in tokens])[:, 0]

    def branch(self, phrases: Sequence[int], tokens: Sequence[Sequence[int]]) -> Tensor:
        """Equally many possible next tokens for each of these phrases: the first stays, the others leave no trace.

        (n, k, D) states behind each.
        """
        count = len(tokens[0])
        owners = self._tensor(phrases).repeat_interleave(count)
        places = self._tensor([self._lengths[phrase] for phrase in phrases]).repeat_interleave(count)
        alone = torch.eye(len(owners), dtype=torch.bool, device=owners.device)
        stays = torch.arange(len(owners), device=owners.device) % count == 0
        later = torch.where(stays, owners, _UNSEEN)
        hidden = self._append([token for row in tokens for token in row], owners, places, alone, later)
        for phrase in phrases:
            self._lengths[phrase] += 1
        return hidden.view(len(phrases), count, -1)

    def _append(self, tokens: list[int], owners: Tensor, places: Tensor, among: Tensor, later: Tensor) -> Tensor:
        """among: who of the new tokens sees whom. later: whose they are to those that come after. (T, D)."""
        before = torch.ones(len(owners), self._prefix, dtype=torch.bool, device=owners.device)
        mask = torch.cat([before, owners[:, None] == self._owners[None], among], dim=1)[None, None]
        embeds = self.model.embed(self._tensor(tokens)[None])
        hidden = self.model.decode(embeds, (self._start + places)[None], mask=mask, cache=self._cache)
        self._owners = torch.cat([self._owners, later])
        return hidden[0]

    def _tensor(self, values: Sequence[int]) -> Tensor:
        return torch.tensor(values, dtype=torch.long, device=self.model.device)
