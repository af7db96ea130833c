"""Where is each of these phrases? One packed pass behind a frame, the location rows of the head only.

All phrases stand in one row behind the shared image prefix, each seeing the prefix and itself. `<object>` is forced;
the first corner comes from the state at `<object>`, the second from one more step. The likeliest pair is what greedy
decoding writes when it writes a box; the runners-up are what it never shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kosmos_agent.inference.frame import EncodedFrame, continue_frame
from kosmos_agent.inference.grammar import Grammar
from kosmos_agent.inference.likelihood import packed_log_likelihoods
from kosmos_agent.inference.prompt import read
from kosmos_agent.location import Pair
from kosmos_agent.model.engine import Engine
from kosmos_agent.tokenizer import Tokenizer


@dataclass(frozen=True)
class ScoredPair:
    """A pair of corners and its probability among all valid pairs that begin with a location token."""

    pair: Pair
    probability: float


@dataclass(frozen=True)
class CornerScores:
    """presence: probability that the model opens `<object>` after the phrase. pairs: the greedy one, then by weight.

    object_log_odds: of that opening. first_entropy, second_entropy: of the location distributions, nats; the second
    corner's behind the likeliest first. phrase_log_likelihood: mean over the phrase's tokens, where it was asked for.
    """

    presence: float
    pairs: tuple[ScoredPair, ...]
    object_log_odds: float
    first_entropy: float
    second_entropy: float
    phrase_log_likelihood: float | None = None


@torch.inference_mode()
def score_corners(
    model: Engine,
    tokenizer: Tokenizer,
    frame: EncodedFrame,
    texts: Sequence[Sequence[int]],
    *,
    first_corners: int = 8,
    second_corners: int = 16,
    phrase_likelihood: bool = False,
) -> list[CornerScores]:
    """`texts`: ids from `<grounding>` to `</phrase>`. first_corners x second_corners pairs are looked at for each.

    phrase_likelihood: score the words of the phrase as well, which takes the whole output head for each of them.
    """
    queries = [[*text, tokenizer.object_id] for text in texts]
    prefix = frame.prefix
    cache = prefix.cache.fork(sum(map(len, queries)) + len(queries) * first_corners)
    start = int(prefix.next_position[0])
    segments = _segments(queries, model.device)
    ids = torch.tensor([[token for query in queries for token in query]], device=model.device)
    offsets = torch.cat([torch.arange(len(query), device=model.device) for query in queries])
    mask = packed_mask(prefix.ids.shape[1], segments, segments)
    hidden = model.decode(model.embed(ids), (start + offsets)[None], mask=mask, cache=cache)[0]

    ends = torch.tensor([len(query) for query in queries], device=model.device).cumsum(dim=0) - 1
    likelihoods = None
    if phrase_likelihood:
        likelihoods = packed_log_likelihoods(model, tokenizer, hidden, ids[0], segments)
    opening = Opening.at(model, tokenizer, hidden[ends - 1], hidden[ends], first_corners)

    corner_segments = torch.arange(len(queries), device=model.device).repeat_interleave(first_corners)
    positions = (start + offsets[ends] + 1).repeat_interleave(first_corners)
    mask = corner_mask(prefix.ids.shape[1], segments, corner_segments)
    embeds = model.embed(opening.first_ids(tokenizer).reshape(1, -1))
    hidden = model.decode(embeds, positions[None], mask=mask, cache=cache)[0]
    return opening.scores(model, tokenizer, hidden.view(len(queries), first_corners, -1), second_corners, likelihoods)


@torch.inference_mode()
def score_corners_apart(
    model: Engine,
    tokenizer: Tokenizer,
    frames: EncodedFrame,
    texts: Sequence[Sequence[int]],
    *,
    first_corners: int = 8,
    second_corners: int = 16,
) -> list[CornerScores]:
    """As `score_corners`, of text k behind picture k, all in step."""
    asked = continue_frame(model, frames, texts, room=0)
    opened = read(model, torch.full((len(texts), 1), tokenizer.object_id, device=model.device), after=asked)
    opening = Opening.at(model, tokenizer, asked.hidden, opened.hidden, first_corners)

    seen = opened.attention_mask.bool()[:, None, :].expand(-1, first_corners, -1)
    own = torch.eye(first_corners, dtype=torch.bool, device=model.device).expand(len(texts), -1, -1)
    positions = opened.next_position[:, None].expand(-1, first_corners)
    embeds = model.embed(opening.first_ids(tokenizer))
    cache = opened.cache.fork(first_corners)
    hidden = model.decode(embeds, positions, mask=torch.cat([seen, own], dim=2)[:, None], cache=cache)
    return opening.scores(model, tokenizer, hidden, second_corners)


@dataclass(frozen=True)
class Opening:
    """What K phrases come to at `<object>`. object_log_odds: (K,) of its opening. log_p: (K, locations) of the first
    corner; first_log_p, first: (K, C) of the likeliest ones, as indices of the grid."""

    object_log_odds: Tensor
    log_p: Tensor
    first_log_p: Tensor
    first: Tensor

    @classmethod
    def at(cls, model: Engine, tokenizer: Tokenizer, before: Tensor, behind: Tensor, corners: int) -> Opening:
        """before, behind: (K, D) states of the last token before `<object>` and of `<object>`."""
        odds = _log_odds(model.logits(before).float(), tokenizer.object_id)
        log_p = model.logits(behind, _location_rows(tokenizer)).float().log_softmax(dim=-1)
        first_log_p, first = log_p.topk(corners, dim=-1)
        return cls(odds, log_p, first_log_p, first)

    def first_ids(self, tokenizer: Tokenizer) -> Tensor:
        """(K, C) token ids of the likeliest first corners."""
        return self.first + tokenizer.first_location_id

    def scores(
        self,
        model: Engine,
        tokenizer: Tokenizer,
        hidden: Tensor,
        second_corners: int,
        likelihoods: Tensor | None = None,
    ) -> list[CornerScores]:
        """hidden: (K, C, D) states behind each first corner. likelihoods: (K,) of the phrases' words."""
        allowed = Grammar(tokenizer, model.device).second_corners(self.first)
        logits = model.logits(hidden, _location_rows(tokenizer)).float()
        second_log_p = logits.masked_fill(~allowed, -torch.inf).log_softmax(dim=-1)
        second_p, second = second_log_p.topk(second_corners, dim=-1)
        joint = (self.first_log_p[..., None] + second_p).exp()
        entropies = _entropy(self.log_p), _entropy(second_log_p[:, 0])
        return [
            CornerScores(
                presence=float(self.object_log_odds[k].sigmoid()),
                pairs=_ranked(self.first[k].tolist(), second[k].tolist(), joint[k].tolist()),
                object_log_odds=float(self.object_log_odds[k]),
                first_entropy=float(entropies[0][k]),
                second_entropy=float(entropies[1][k]),
                phrase_log_likelihood=None if likelihoods is None else float(likelihoods[k]),
            )
            for k in range(len(self.first))
        ]


def _location_rows(tokenizer: Tokenizer) -> slice:
    return slice(tokenizer.first_location_id, tokenizer.first_location_id + tokenizer.location_count)


def _log_odds(logits: Tensor, token: int) -> Tensor:
    """(K, vocabulary) -> (K,), exact where the probability rounds to 0 or 1."""
    others = logits.clone()
    others[:, token] = -torch.inf
    return logits[:, token] - others.logsumexp(dim=-1)


def _entropy(log_p: Tensor) -> Tensor:
    """(..., N) log-probabilities -> (...) nats."""
    return torch.special.entr(log_p.exp()).sum(dim=-1)


def _ranked(first: list[int], second: list[list[int]], joint: list[list[float]]) -> tuple[ScoredPair, ...]:
    scored = [
        ScoredPair((corner, other), weight)
        for corner, others, weights in zip(first, second, joint, strict=True)
        for other, weight in zip(others, weights, strict=True)
        if weight > 0
    ]
    greedy, *rest = scored
    return (greedy, *sorted(rest, key=lambda item: -item.probability))


def _segments(queries: Sequence[Sequence[int]], device: torch.device) -> Tensor:
    lengths = torch.tensor([len(query) for query in queries], device=device)
    return torch.arange(len(queries), device=device).repeat_interleave(lengths)


def packed_mask(prefix: int, queries: Tensor, keys: Tensor) -> Tensor:
    """Bool (1, 1, T, prefix + T): segment ids of T tokens that see the prefix and their own segment so far."""
    order = torch.arange(len(keys), device=keys.device)
    own = (queries[:, None] == keys[None]) & (order[:, None] >= order[None])
    return torch.cat([torch.ones(len(queries), prefix, dtype=torch.bool, device=keys.device), own], dim=1)[None, None]


def corner_mask(prefix: int, phrases: Tensor, corners: Tensor) -> Tensor:
    """Bool (1, 1, C, prefix + T + C): each first corner sees the prefix, its own phrase and itself."""
    ahead = torch.ones(len(corners), prefix, dtype=torch.bool, device=corners.device)
    own = torch.eye(len(corners), dtype=torch.bool, device=corners.device)
    return torch.cat([ahead, corners[:, None] == phrases[None], own], dim=1)[None, None]
