"""Writing: one token after another, under the grammar, greedily or sampled, stoppable at every token.

A single row that is written greedily under the grammar is read a few guessed tokens at a time (`drafts`): the same
text, sooner.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.inference.drafts import MOST, Drafts
from kosmos_agent.inference.grammar import Grammar, exempt_ids, repeated_ngram_ends
from kosmos_agent.inference.prompt import ReadPrompt, continuation_mask
from kosmos_agent.model.decoder import PADDING_POSITION
from kosmos_agent.model.engine import Engine
from kosmos_agent.tokenizer import Tokenizer

StopCallback = Callable[[], bool]
StopReason = Literal["end", "length", "stopped"]


@dataclass(frozen=True)
class Decoding:
    """How to write. `temperature` 0 is greedy. `no_repeat_ngram` 3 is the published evaluation's setting.

    `exempt_tags` lets tags and location tokens repeat (trap 7 of the published behaviour); `grammar` off gives the
    published decoding, which may write broken boxes. `boxes` off writes words alone.
    """

    max_new_tokens: int = 64
    temperature: float = 0.0
    top_p: float = 1.0
    seed: int = 0
    no_repeat_ngram: int = 0
    exempt_tags: bool = True
    grammar: bool = True
    boxes: bool = True

    def __post_init__(self) -> None:
        if not 1 <= self.max_new_tokens <= 2048:
            raise InvalidArgumentError(f"max_new_tokens {self.max_new_tokens} is outside 1 to 2048")
        if self.temperature < 0 or not 0 < self.top_p <= 1 or self.no_repeat_ngram < 0:
            raise InvalidArgumentError("temperature must be >= 0, top_p in (0, 1], no_repeat_ngram >= 0")


@dataclass
class Written:
    """New ids of one row, `</s>` included when it was reached, and the model's own log-probability of each.

    guessed: how many of them were read ahead, in one pass with others, because they had been guessed right.
    """

    ids: list[int] = field(default_factory=list)
    log_probabilities: list[float] = field(default_factory=list)
    reason: StopReason = "length"
    guessed: int = 0


@dataclass(frozen=True)
class Views:
    """So many neighbouring rows look at the same thing, and every token is the likeliest by their mean probability.

    swaps: for each of them the vocabulary in its own words, (V,) ids, or None: in a mirror image left is right.
    """

    count: int = 1
    swaps: tuple[Tensor | None, ...] = (None,)

    def mean_log_p(self, log_p: Tensor) -> Tensor:
        """(B, V) -> (B / count, V)."""
        if self.count == 1 and self.swaps == (None,):
            return log_p
        rows = log_p.view(-1, self.count, log_p.shape[-1])
        own = [rows[:, k] if swap is None else rows[:, k, swap] for k, swap in enumerate(self.swaps)]
        return torch.stack(own, dim=1).logsumexp(dim=1) - math.log(self.count)

    def spread(self, tokens: Sequence[int]) -> list[int]:
        """(B / count) tokens as each of the B rows says them."""
        swaps = [None if swap is None else swap.tolist() for swap in self.swaps]
        return [token if swap is None else swap[token] for token in tokens for swap in swaps]


@torch.inference_mode()
def generate(
    model: Engine,
    tokenizer: Tokenizer,
    prompt: ReadPrompt,
    decoding: Decoding | None = None,
    should_stop: StopCallback | None = None,
    views: Views | None = None,
) -> list[Written]:
    """Continue every row of `prompt`, whose cache is used up. `should_stop` is asked before each token.

    views: how neighbouring rows belong together; what is written for them is one text. Each row is one by itself
    without.
    """
    decoding = decoding or Decoding()
    writer = _Writer(tokenizer, decoding, prompt, model.config.text.vocab_size, views or Views(), should_stop)
    course = _Course(model, prompt)
    guessing = decoding.grammar and decoding.temperature == 0 and len(prompt.ids) == 1
    drafts = Drafts(tokenizer) if guessing else None
    guesses: list[int] = []
    states = prompt.hidden[:, None]
    while True:
        right = writer.write_run(model.logits(states), guesses)
        course.forget(len(guesses) - right)
        writer.rows[0].guessed += right
        room = min(course.room, writer.room)
        if writer.finished or room < 1:
            return writer.rows
        guesses = drafts.guess(writer.history[0], min(MOST, room - 1)) if drafts is not None else []
        states = course.read(writer.newest, writer.live, guesses)


class _Course:
    """What was read, and how far: the newest tokens of all rows, with guesses behind those of a single one."""

    def __init__(self, model: Engine, prompt: ReadPrompt) -> None:
        self._model, self._cache = model, prompt.cache
        self._mask, self._position = prompt.attention_mask, prompt.next_position

    @property
    def room(self) -> int:
        return self._cache.capacity - self._cache.length

    def read(self, tokens: Tensor, live: Sequence[bool], guesses: Sequence[int]) -> Tensor:
        """(B,) newest tokens and whether their rows go on -> states (B, 1 + guesses, D)."""
        rows, count = len(tokens), 1 + len(guesses)
        going = torch.tensor(live, device=self._mask.device)[:, None]
        self._mask = torch.cat([self._mask, going.expand(rows, count).to(self._mask.dtype)], dim=1)
        ids = torch.cat([tokens[:, None], tokens.new_tensor(guesses).expand(rows, -1)], dim=1)
        ahead = torch.arange(count, device=ids.device)
        positions = torch.where(going, self._position[:, None] + ahead, PADDING_POSITION)
        seen = None if count == 1 and bool(self._mask.all()) else continuation_mask(self._mask, count)
        self._position = self._position + count
        return self._model.decode(self._model.embed(ids), positions, mask=seen, cache=self._cache)

    def forget(self, count: int) -> None:
        """The last `count` guesses were wrong."""
        self._cache.advance(-count)
        self._mask = self._mask[:, : self._mask.shape[1] - count]
        self._position = self._position - count


class _Writer:
    """Chooses tokens and keeps the rows, one for each text."""

    def __init__(
        self,
        tokenizer: Tokenizer,
        decoding: Decoding,
        prompt: ReadPrompt,
        vocabulary: int,
        views: Views,
        should_stop: StopCallback | None,
    ) -> None:
        self.tokenizer, self.decoding, self.views = tokenizer, decoding, views
        self._should_stop = should_stop
        self.grammar = Grammar(tokenizer, prompt.hidden.device, vocabulary) if decoding.grammar else None
        exempt = decoding.exempt_tags and decoding.no_repeat_ngram > 0
        self.exempt = exempt_ids(tokenizer) if exempt else frozenset()
        self.generator = torch.Generator(device=prompt.hidden.device).manual_seed(decoding.seed)
        pairs = zip(prompt.ids.tolist(), prompt.attention_mask.tolist(), strict=True)
        history = [[token for token, real in zip(ids, mask, strict=True) if real] for ids, mask in pairs]
        self.history = history[:: views.count]
        self.rows = [Written() for _ in self.history]
        self.room, self.finished = decoding.max_new_tokens, False
        self.newest = prompt.ids[:, -1]

    @property
    def live(self) -> list[bool]:
        """Of each row of the prompt."""
        return [row.reason != "end" for row in self.rows for _ in range(self.views.count)]

    def write_run(self, logits: Tensor, guesses: Sequence[int]) -> int:
        """Writes on as long as what it writes was guessed, and one token more; returns how many guesses were right.

        logits: (B, 1 + guesses, vocabulary).
        """
        for place in range(logits.shape[1]):
            if not self._write(logits[:, place]) or not self.room:
                return place
            if place < len(guesses) and int(self.newest[0]) != guesses[place]:
                return place
        return len(guesses)

    def _write(self, logits: Tensor) -> bool:
        """(B, vocabulary): chooses `newest`, (B,) ids; rows that ended get the pad. Whether any of them goes on."""
        if self._should_stop is not None and self._should_stop():
            self._stop()
            return False
        log_p = self.views.mean_log_p(logits.float().log_softmax(dim=-1))
        chosen = [self._next(k, log_p[k]) for k in range(len(self.rows))]
        self.newest = torch.tensor(self.views.spread(chosen), device=logits.device)
        self.room -= 1
        self.finished = all(row.reason == "end" for row in self.rows)
        return not self.finished

    def _stop(self) -> None:
        self.finished = True
        for row in self.rows:
            if row.reason != "end":
                row.reason = "stopped"

    def _next(self, index: int, log_p: Tensor) -> int:
        row, history = self.rows[index], self.history[index]
        if row.reason == "end":
            return self.tokenizer.pad_id
        token = self._choose(self._constrained(log_p, history))
        history.append(token)
        row.ids.append(token)
        row.log_probabilities.append(float(log_p[token]))
        if token == self.tokenizer.eos_id:
            row.reason = "end"
        return token

    def _constrained(self, log_p: Tensor, history: list[int]) -> Tensor:
        """The grammar always holds; the n-gram block only while it leaves anything to write."""
        if self.grammar is not None:
            log_p = log_p.masked_fill(~self.grammar.allowed(history), -torch.inf)
        if not self.decoding.boxes:
            log_p = log_p.clone()
            log_p[self.tokenizer.object_id] = -torch.inf
        blocked = repeated_ngram_ends(history, self.decoding.no_repeat_ngram, self.exempt)
        if not blocked:
            return log_p
        rest = log_p.clone()
        rest[list(blocked)] = -torch.inf
        return rest if bool(rest.isfinite().any()) else log_p

    def _choose(self, log_p: Tensor) -> int:
        if self.decoding.temperature == 0:
            return int(log_p.argmax())
        p = (log_p / self.decoding.temperature).softmax(dim=-1)
        if self.decoding.top_p < 1:
            ordered, order = p.sort(descending=True)
            outside = ordered.cumsum(dim=-1) - ordered >= self.decoding.top_p
            p = p.clone()
            p[order[outside]] = 0
        return int(torch.multinomial(p, 1, generator=self.generator))
