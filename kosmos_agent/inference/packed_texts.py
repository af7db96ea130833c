"""Texts that stand one behind the other in a row and do not see each other, the same number in each row."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_NOBODY = -1


@dataclass(frozen=True)
class PackedTexts:
    """ids, owners, places: (B, T) of B rows; shorter rows end in pads that no text owns.

    owners: which text of its row a token belongs to. places: where in that text it stands. ends: (B, K) of the last
    token of each text.
    """

    ids: Tensor
    owners: Tensor
    places: Tensor
    ends: Tensor

    @classmethod
    def of(cls, rows: Sequence[Sequence[Sequence[int]]], device: torch.device) -> PackedTexts:
        longest = max(sum(map(len, texts)) for texts in rows)

        def filled(values: list[list[int]], pad: int) -> Tensor:
            return torch.tensor([row + [pad] * (longest - len(row)) for row in values], device=device)

        ids = [[token for text in texts for token in text] for texts in rows]
        owners = [[owner for owner, text in enumerate(texts) for _ in text] for texts in rows]
        places = [[place for text in texts for place in range(len(text))] for texts in rows]
        lengths = torch.tensor([[len(text) for text in texts] for texts in rows], device=device)
        return cls(filled(ids, 0), filled(owners, _NOBODY), filled(places, 0), lengths.cumsum(dim=1) - 1)

    def mask(self, prefix: int) -> Tensor:
        """Bool (B, 1, T, prefix + T): each token sees the prefix and its own text so far."""
        own = (self.owners[:, :, None] == self.owners[:, None]).tril()
        return torch.cat([own.new_ones(*own.shape[:2], prefix), own], dim=2)[:, None]

    def branch_mask(self, prefix: int, branches: int) -> Tensor:
        """Bool (B, 1, C, prefix + T + C) of C = K * branches tokens, each one way in which its text may go on.

        Each sees the prefix, its own text and itself.
        """
        rows, texts = self.ends.shape
        owners = torch.arange(texts, device=self.ids.device).repeat_interleave(branches)
        text = owners[None, :, None] == self.owners[:, None]
        ahead = text.new_ones(rows, len(owners), prefix)
        alone = torch.eye(len(owners), dtype=torch.bool, device=self.ids.device).expand(rows, -1, -1)
        return torch.cat([ahead, text, alone], dim=2)[:, None]
