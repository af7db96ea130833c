"""Where are these, in several pictures at once? One packed row behind the prefixes of all of them.

As `corners`, for pictures of which each is asked another number of phrases: instead of a row for each, padded to the
longest, the one row's cache holds one prefix after another, and each phrase sees that of its own picture.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.inference.corners import CornerScores, Opening
from kosmos_agent.inference.frame import EncodedFrame
from kosmos_agent.model.cache import KVCache
from kosmos_agent.model.engine import Engine
from kosmos_agent.tokenizer import Tokenizer


@torch.inference_mode()
def score_corners_together(
    model: Engine,
    tokenizer: Tokenizer,
    frames: Sequence[EncodedFrame],
    texts: Sequence[Sequence[Sequence[int]]],
    *,
    first_corners: int = 8,
    second_corners: int = 16,
) -> list[list[CornerScores]]:
    """texts: for each frame as for `score_corners`; none is allowed. InvalidArgumentError for unlike frames."""
    prefix = _prefix_length(frames)
    queries = [[*text, tokenizer.object_id] for some in texts for text in some]
    if not queries:
        return [[] for _ in frames]
    lengths = _tensor(model, [len(query) for query in queries])
    frame_of = _tensor(model, [index for index, some in enumerate(texts) for _ in some])
    phrase_of = torch.arange(len(queries), device=model.device).repeat_interleave(lengths)
    offsets = torch.cat([torch.arange(len(query), device=model.device) for query in queries])
    start = int(frames[0].prefix.next_position[0])
    room = len(phrase_of) + len(queries) * first_corners
    cache = KVCache.joined([frame.prefix.cache for frame in frames], room)

    order = torch.arange(len(phrase_of), device=model.device)
    own = (phrase_of[:, None] == phrase_of[None]) & (order[:, None] >= order[None])
    ids = _tensor(model, [token for query in queries for token in query])[None]
    mask = torch.cat([_own_prefix(frame_of[phrase_of], len(frames), prefix), own], dim=1)[None, None]
    hidden = model.decode(model.embed(ids), (start + offsets)[None], mask=mask, cache=cache)[0]
    ends = lengths.cumsum(dim=0) - 1
    opening = Opening.at(model, tokenizer, hidden[ends - 1], hidden[ends], first_corners)

    corner_of = torch.arange(len(queries), device=model.device).repeat_interleave(first_corners)
    alone = torch.eye(len(corner_of), dtype=torch.bool, device=model.device)
    behind = [_own_prefix(frame_of[corner_of], len(frames), prefix), corner_of[:, None] == phrase_of[None], alone]
    positions = (start + offsets[ends] + 1).repeat_interleave(first_corners)[None]
    embeds = model.embed(opening.first_ids(tokenizer).reshape(1, -1))
    hidden = model.decode(embeds, positions, mask=torch.cat(behind, dim=1)[None, None], cache=cache)[0]
    scores = opening.scores(model, tokenizer, hidden.view(len(queries), first_corners, -1), second_corners)
    following = iter(scores)
    return [[next(following) for _ in some] for some in texts]


def _own_prefix(frames: Tensor, count: int, length: int) -> Tensor:
    """Whose frame each of T tokens belongs to -> bool (T, count * length)."""
    return (frames[:, None] == torch.arange(count, device=frames.device)).repeat_interleave(length, dim=1)


def _prefix_length(frames: Sequence[EncodedFrame]) -> int:
    shapes = {(tuple(frame.prefix.ids.shape), int(frame.prefix.next_position[0])) for frame in frames}
    if len(shapes) != 1 or not all(bool(frame.prefix.attention_mask.all()) for frame in frames):
        raise InvalidArgumentError(f"frames of {sorted(shapes)} do not go together; valid: one picture each, no pads")
    ((_, length), _), *_ = shapes
    return length


def _tensor(model: Engine, values: Sequence[int]) -> Tensor:
    return torch.tensor(values, dtype=torch.long, device=model.device)
