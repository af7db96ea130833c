"""Where is each of these phrases? One packed pass behind the pictures, the location rows of the head only.

All phrases about a picture stand in one row behind its prefix, each seeing the prefix and itself; several pictures are
several rows. `<object>` is forced;
the first corner comes from the state at `<object>`, the second from one more step. The likeliest pair is what greedy
decoding writes when it writes a box; the runners-up are what it never shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kosmos_agent.inference.first_pass import first_pass
from kosmos_agent.inference.frame import EncodedFrame
from kosmos_agent.inference.grammar import second_corners as upright
from kosmos_agent.inference.likelihood import packed_log_likelihoods
from kosmos_agent.inference.packed_texts import PackedTexts
from kosmos_agent.inference.scored_pairs import ScoredPairs
from kosmos_agent.model.engine import Engine
from kosmos_agent.tokenizer import Tokenizer


@dataclass(frozen=True)
class CornerScores:
    """presence: probability that the model opens `<object>` after the phrase. pairs: the greedy one, then by weight.

    object_log_odds: of that opening. first_entropy, second_entropy: of the location distributions, nats; the second
    corner's behind the likeliest first. phrase_log_likelihood: mean over the phrase's tokens, where it was asked for.
    """

    presence: float
    pairs: ScoredPairs
    object_log_odds: float
    first_entropy: float
    second_entropy: float
    phrase_log_likelihood: float | None = None


@torch.inference_mode()
def score_corners(
    model: Engine,
    tokenizer: Tokenizer,
    frames: Sequence[EncodedFrame],
    texts: Sequence[Sequence[Sequence[int]]],
    *,
    first_corners: int = 8,
    second_corners: int = 16,
    phrase_likelihood: bool = False,
) -> list[list[CornerScores]]:
    """`texts`: for each picture as many, ids from `<grounding>` to `</phrase>`. frames: of one picture or several each.

    first_corners x second_corners pairs are looked at for each text. phrase_likelihood: score the words of the phrase
    as well, which takes the whole output head for each of them.
    """
    asked = PackedTexts.of([[[*text, tokenizer.object_id] for text in row] for row in texts], model.device)
    pictures, count = asked.ends.shape
    passed = first_pass(model, frames, asked, room=count * first_corners)
    hidden = passed.hidden

    before, behind = (hidden.take_along_dim(places[..., None], dim=1) for places in (asked.ends - 1, asked.ends))
    opening = Opening.at(model, tokenizer, before.flatten(0, 1), behind.flatten(0, 1), first_corners)
    likelihoods = _likelihoods(model, tokenizer, hidden, asked) if phrase_likelihood else None

    positions = passed.start + asked.places.gather(1, asked.ends) + 1
    embeds = model.embed(opening.first_ids(tokenizer).view(pictures, -1))
    hidden = model.decode(
        embeds,
        positions.repeat_interleave(first_corners, dim=1),
        mask=asked.branch_mask(passed.prefix, first_corners),
        cache=passed.cache,
    )
    branches = hidden.reshape(pictures * count, first_corners, -1)
    found = opening.scores(model, tokenizer, branches, second_corners, likelihoods)
    return [found[row * count : (row + 1) * count] for row in range(pictures)]


def _likelihoods(model: Engine, tokenizer: Tokenizer, hidden: Tensor, asked: PackedTexts) -> Tensor:
    """(pictures * texts,)."""
    rows = (owners >= 0 for owners in asked.owners)
    parts = zip(hidden, asked.ids, asked.owners, rows, strict=True)
    return torch.cat(
        [packed_log_likelihoods(model, tokenizer, x[own], ids[own], owners[own]) for x, ids, owners, own in parts]
    )


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
        allowed = upright(self.first, tokenizer.grid_side)
        logits = model.logits(hidden, _location_rows(tokenizer)).float()
        second_log_p = logits.masked_fill(~allowed, -torch.inf).log_softmax(dim=-1)
        second_p, second = second_log_p.topk(second_corners, dim=-1)
        joint = (self.first_log_p[..., None] + second_p).exp()
        entropies = _entropy(self.log_p).tolist(), _entropy(second_log_p[:, 0]).tolist()
        presence, log_odds = self.object_log_odds.sigmoid().tolist(), self.object_log_odds.tolist()
        corners = self.first.cpu().numpy(), second.cpu().numpy(), joint.double().cpu().numpy()
        words = [None] * len(self.first) if likelihoods is None else likelihoods.tolist()
        return [
            CornerScores(presence[k], _ranked(*found), log_odds[k], entropies[0][k], entropies[1][k], words[k])
            for k, found in enumerate(zip(*corners, strict=True))
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


def _ranked(first: NDArray[np.int64], second: NDArray[np.int64], joint: NDArray[np.float64]) -> ScoredPairs:
    """(C,), (C, S), (C, S): the greedy pair, then by weight."""
    cells = np.stack([np.broadcast_to(first[:, None], second.shape), second], axis=2).reshape(-1, 2)
    weights = joint.reshape(-1)
    order = 1 + np.argsort(-weights[1:], kind="stable")
    possible = int((weights > 0).sum())
    return ScoredPairs(cells, weights).in_order(np.concatenate([[0], order])[:possible])
