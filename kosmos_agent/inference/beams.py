"""Beam search: several continuations side by side, ranked by mean log-probability (captions for scoring: beam 5).

The rules of `transformers`' search with early stopping off; a test holds both against each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.inference.grammar import repeated_ngram_ends
from kosmos_agent.inference.prompt import ReadPrompt
from kosmos_agent.model.cache import KVCache
from kosmos_agent.model.engine import Engine

MOST_BEAMS = 64


@dataclass(frozen=True)
class Beams:
    """How to search. length_penalty: power of the length that a sum of log-probabilities is divided by."""

    beams: int = 5
    max_new_tokens: int = 64
    length_penalty: float = 1.0
    no_repeat_ngram: int = 0

    def __post_init__(self) -> None:
        if not 1 <= self.beams <= MOST_BEAMS or not 1 <= self.max_new_tokens <= 2048:
            raise InvalidArgumentError(
                f"{self.beams} beams of {self.max_new_tokens} tokens; valid: 1 to {MOST_BEAMS} beams, 1 to 2048 tokens"
            )


@dataclass(frozen=True)
class Hypothesis:
    """New ids, `</s>` included where it was reached. score: mean log-probability, length penalty applied."""

    ids: tuple[int, ...]
    score: float


Candidate = tuple[int, int, float]
"""Beam, token, sum of log-probabilities up to and with that token."""


@dataclass
class _Live:
    """ids: of each beam, new ones only. total: (beams,) sums of log-probabilities."""

    ids: list[tuple[int, ...]]
    total: Tensor

    @classmethod
    def start(cls, beams: int, device: torch.device) -> _Live:
        """The rows are equal as yet: all but the first would give the same beam again."""
        total = torch.full((beams,), -torch.inf, device=device)
        total[0] = 0.0
        return cls([()] * beams, total)

    def grown(self, going: Sequence[Candidate]) -> _Live:
        total = torch.tensor([sum_ for _, _, sum_ in going], device=self.total.device)
        return _Live([(*self.ids[row], token) for row, token, _ in going], total)


@torch.inference_mode()
def beam_search(model: Engine, prompt: ReadPrompt, eos_id: int, search: Beams) -> Hypothesis:
    """The best continuation of a prompt that was read as `search.beams` equal rows; its cache is used up.

    InvalidArgumentError for another number of rows, or pads among them.
    """
    if len(prompt.ids) != search.beams or not bool(prompt.attention_mask.all()):
        raise InvalidArgumentError(f"{len(prompt.ids)} rows for {search.beams} beams; valid: one row without pads each")
    live = _Live.start(search.beams, prompt.hidden.device)
    history = tuple(prompt.ids[0].tolist())
    done: list[Hypothesis] = []
    hidden, position = prompt.hidden, prompt.next_position
    for length in range(1, search.max_new_tokens + 1):
        log_p = _unrepeated(model.logits(hidden).float().log_softmax(dim=-1), live, history, search)
        candidates = _best(log_p, live, 2 * search.beams)
        done = _with_ended(done, candidates, live, eos_id, search)
        going = [item for item in candidates if item[1] != eos_id][: search.beams]
        if length == search.max_new_tokens or _is_settled(done, going[0][2], length, search):
            break
        live = live.grown(going)
        _reorder(prompt.cache, torch.tensor([row for row, _, _ in going], device=hidden.device))
        tokens = torch.tensor([[token] for _, token, _ in going], device=hidden.device)
        hidden = model.decode(model.embed(tokens), position[:, None], mask=None, cache=prompt.cache)[:, -1]
        position = position + 1
    return done[0]


def _unrepeated(log_p: Tensor, live: _Live, history: tuple[int, ...], search: Beams) -> Tensor:
    if not search.no_repeat_ngram:
        return log_p
    blocked = log_p.clone()
    for row, ids in enumerate(live.ids):
        blocked[row, list(repeated_ngram_ends((*history, *ids), search.no_repeat_ngram))] = -torch.inf
    return blocked


def _best(log_p: Tensor, live: _Live, count: int) -> list[Candidate]:
    """The likeliest first. Twice as many as beams, so that enough go on where many end."""
    vocabulary = log_p.shape[1]
    sums, places = (live.total[:, None] + log_p).flatten().topk(count)
    pairs = zip(places.tolist(), sums.tolist(), strict=True)
    return [(*divmod(place, vocabulary), value) for place, value in pairs]


def _with_ended(
    done: list[Hypothesis], candidates: Sequence[Candidate], live: _Live, eos_id: int, search: Beams
) -> list[Hypothesis]:
    """The best so far, those among them that end now: at `</s>`, or all of them where no token may follow."""
    length = len(live.ids[0]) + 1
    ended = [
        Hypothesis((*live.ids[row], token), sum_ / length**search.length_penalty)
        for row, token, sum_ in candidates[: search.beams]
        if token == eos_id or length == search.max_new_tokens
    ]
    return sorted([*done, *ended], key=lambda item: -item.score)[: search.beams]


def _is_settled(done: list[Hypothesis], best_live: float, length: int, search: Beams) -> bool:
    """As many have ended as there are beams, and none that is still live would be better if it ended here."""
    return len(done) == search.beams and done[-1].score >= best_live / length**search.length_penalty


def _reorder(cache: KVCache, rows: Tensor) -> None:
    """Each beam goes on from the row that it was made of."""
    filled = slice(0, cache.length)
    cache.keys[:, :, :, filled] = cache.keys[:, rows, :, filled]
    cache.values[:, :, :, filled] = cache.values[:, rows, :, filled]
