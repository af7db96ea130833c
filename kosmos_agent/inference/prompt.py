"""Reading: token ids into a cache of keys and values. A prompt that was read can be continued in many ways."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.model.cache import KVCache
from kosmos_agent.model.decoder import FIRST_POSITION, PADDING_POSITION
from kosmos_agent.model.engine import Engine


@dataclass(frozen=True)
class ReadPrompt:
    """B rows read so far. ids: (B, T). attention_mask: (B, T), 0 on pads. hidden: (B, D) of the last token.

    next_position: (B,), pads not counted: counting them is what breaks left-padded batches elsewhere.
    """

    cache: KVCache
    ids: Tensor
    attention_mask: Tensor
    hidden: Tensor
    next_position: Tensor

    def row(self, index: int) -> ReadPrompt:
        """One of the rows by itself, to be continued."""
        one = slice(index, index + 1)
        ids, mask, hidden = (item[one] for item in (self.ids, self.attention_mask, self.hidden))
        return ReadPrompt(self.cache.row(index), ids, mask, hidden, self.next_position[one])


@dataclass(frozen=True)
class UnreadPrompt:
    """B rows that the decoder has not seen: ids (B, T), where `image_mask` (B, T) is 1 the rows of `image_embeds`."""

    model: Engine
    ids: Tensor
    image_embeds: Tensor
    image_mask: Tensor

    def read(self) -> ReadPrompt:
        return read(self.model, self.ids, image_embeds=self.image_embeds, image_mask=self.image_mask)


@torch.inference_mode()
def read(
    model: Engine,
    ids: Tensor,
    *,
    attention_mask: Tensor | None = None,
    image_embeds: Tensor | None = None,
    image_mask: Tensor | None = None,
    after: ReadPrompt | None = None,
    room: int = 0,
) -> ReadPrompt:
    """Read `ids` (B, T), behind `after` when given, leaving `room` free positions in the cache.

    `after` stays as it is; one row of it may be continued by several. Pads may stand on the left of `ids`;
    InvalidArgumentError for any other, and where the rows do not go together.
    """
    batch, length = ids.shape
    if attention_mask is not None:
        _check_pads(attention_mask)
    fresh = torch.ones_like(ids) if attention_mask is None else attention_mask.long()
    if after is None:
        cache = model.new_cache(batch, length + room)
        start = torch.full((batch,), FIRST_POSITION, device=ids.device)
        mask, seen = fresh, ids
    else:
        before = _repeated(after, batch)
        cache, start = after.cache.fork(length + room, batch), before.next_position
        mask, seen = torch.cat([before.attention_mask, fresh], dim=1), torch.cat([before.ids, ids], dim=1)
    count = fresh.cumsum(dim=1)
    positions = torch.where(fresh > 0, start[:, None] + count - 1, PADDING_POSITION)
    embeds = model.embed(ids, image_embeds, image_mask)
    hidden = model.decode(embeds, positions, mask=continuation_mask(mask, length), cache=cache)
    return ReadPrompt(cache, seen, mask, hidden[:, -1], start + count[:, -1])


def _repeated(prompt: ReadPrompt, rows: int) -> ReadPrompt:
    """Its one row `rows` times, the cache as it is; unchanged where it has that many rows."""
    have = len(prompt.ids)
    if have not in (1, rows):
        raise InvalidArgumentError(f"{rows} rows behind {have}; valid: {have} rows, or several behind one")
    ids, mask, hidden = (item.expand(rows, -1) for item in (prompt.ids, prompt.attention_mask, prompt.hidden))
    return ReadPrompt(prompt.cache, ids, mask, hidden, prompt.next_position.expand(rows))


def _check_pads(attention_mask: Tensor) -> None:
    """The state of the last column is what is continued: a pad there would be continued in the word's place."""
    real = attention_mask.bool()
    if not bool(real[:, -1].all()) or bool((real[:, :-1] & ~real[:, 1:]).any()):
        raise InvalidArgumentError("pads stand behind tokens; valid: pads on the left (padding_side='left')")


def continuation_mask(attention_mask: Tensor, length: int) -> Tensor:
    """(B, S) of all tokens -> bool (B, 1, length, S) for the last `length` of them; a pad sees itself."""
    total = attention_mask.shape[1]
    order = torch.arange(total, device=attention_mask.device)
    query = order[total - length :, None]
    return (((order <= query) & attention_mask.bool()[:, None, :]) | (order == query))[:, None]
