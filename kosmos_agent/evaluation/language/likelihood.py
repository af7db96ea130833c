"""How likely is a continuation? Text alone behind `<s>`, without a picture."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.markup import escape_tags
from kosmos_agent.model.decoder import positions_from_mask
from kosmos_agent.model.engine import Engine
from kosmos_agent.model.kosmos2 import causal_mask
from kosmos_agent.tokenizer import Tokenizer


@dataclass(frozen=True)
class Continuation:
    """Ids: what is given, and what is judged behind it; together at most the model's length and one more."""

    given: tuple[int, ...]
    judged: tuple[int, ...]


@dataclass(frozen=True)
class Likelihood:
    """log_p: natural, summed over the tokens. is_greedy: whether each was the likeliest in its place."""

    log_p: float
    is_greedy: bool


def continuation(tokenizer: Tokenizer, context: str, text: str, longest: int) -> Continuation:
    """`text` behind `context`, spelt together and then split; where both are too long, the context loses its beginning.

    Spaces at the context's end belong to the text, as in lm-evaluation-harness. InvalidArgumentError where the text has
    no tokens of its own or does not fit.
    """
    spaces = len(context) - len(context.rstrip())
    cut = len(context) - spaces
    context, text = escape_tags(context[:cut]), escape_tags(context[cut:] + text)
    given = tokenizer.encode(context) if context else []
    judged = tuple(tokenizer.encode(context + text)[len(given) :])
    if not 1 <= len(judged) <= longest:
        raise InvalidArgumentError(f"continuation {text!r} has {len(judged)} tokens; valid: 1 to {longest}")
    room = longest + 1 - len(judged)
    return Continuation(tuple([tokenizer.bos_id, *given][-room:]), judged)


def windows(tokenizer: Tokenizer, text: str, longest: int) -> Iterator[Continuation]:
    """The whole text, each token judged once, behind as much of what is before it as fits; the first behind `<s>`."""
    ids = tokenizer.encode(escape_tags(text))
    for start in range(0, len(ids), longest):
        end = min(start + longest, len(ids))
        before = [tokenizer.bos_id, *ids][max(0, end - longest) : start + 1]
        yield Continuation(tuple(before), tuple(ids[start:end]))


@torch.inference_mode()
def likelihoods(
    model: Engine, tokenizer: Tokenizer, asked: Sequence[Continuation], rows: int = 8
) -> Iterator[Likelihood]:
    """In order, `rows` texts in one pass."""
    for start in range(0, len(asked), rows):
        yield from _batch(model, tokenizer.pad_id, asked[start : start + rows])


def _batch(model: Engine, pad_id: int, asked: Sequence[Continuation]) -> Iterator[Likelihood]:
    """The last token is judged but never read."""
    read = [(*item.given, *item.judged)[:-1] for item in asked]
    longest = max(map(len, read))
    ids = torch.tensor([[*row, *[pad_id] * (longest - len(row))] for row in read], device=model.device)
    mask = torch.tensor([[1] * len(row) + [0] * (longest - len(row)) for row in read], device=model.device)
    hidden = model.decode(model.embed(ids), positions_from_mask(mask), mask=causal_mask(mask))
    for row, item in enumerate(asked):
        first = len(item.given) - 1
        yield _judge(model.logits(hidden[row, first : first + len(item.judged)]), item.judged)


def _judge(logits: Tensor, judged: Sequence[int]) -> Likelihood:
    log_p = logits.float().log_softmax(dim=-1)
    wanted = torch.tensor(judged, device=logits.device)
    own = log_p.gather(1, wanted[:, None])[:, 0]
    return Likelihood(float(own.sum()), bool((log_p.argmax(dim=-1) == wanted).all()))
