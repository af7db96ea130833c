"""The three questions that lm-evaluation-harness asks of a model, answered without knowing that package."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch

from kosmos_agent.evaluation.language.likelihood import continuation, likelihoods, windows
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.generate import Decoding, generate
from kosmos_agent.inference.prompt import read
from kosmos_agent.markup import escape_tags

_LENGTHS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
"""What tasks call the bound of a text; the first that is there counts."""
MOST_NEW_TOKENS = 256
"""Where a task names no bound, as in the harness."""


class Request(Protocol):
    """An `Instance` of the harness."""

    @property
    def args(self) -> tuple[Any, ...]: ...


class LanguageRequests:
    """The model behind `grounder`, as a language model. rows: texts in one pass."""

    def __init__(self, grounder: Grounder, rows: int = 8) -> None:
        self.grounder = grounder
        self.rows = rows
        self.longest = grounder.model.config.text.max_position_embeddings

    def loglikelihood(self, requests: Sequence[Request], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """args: (context, continuation). Summed log-probability, and whether greedy decoding would write it."""
        tokenizer = self.grounder.tokenizer
        asked = [continuation(tokenizer, r.args[0], r.args[1], self.longest) for r in requests]
        found = likelihoods(self.grounder.model, tokenizer, asked, self.rows)
        return [(item.log_p, item.is_greedy) for item in found]

    def loglikelihood_rolling(self, requests: Sequence[Request], disable_tqdm: bool = False) -> list[float]:
        """args: (text,). Summed log-probability of the whole text."""
        tokenizer = self.grounder.tokenizer
        totals = []
        for request in requests:
            parts = list(windows(tokenizer, request.args[0], self.longest))
            found = likelihoods(self.grounder.model, tokenizer, parts, self.rows)
            totals.append(sum(item.log_p for item in found))
        return totals

    def generate_until(self, requests: Sequence[Request], disable_tqdm: bool = False) -> list[str]:
        """args: (context, settings): `until` (stop words), `max_gen_toks`, `do_sample`, `temperature` (0 is greedy).

        A bound beyond the model's length is that length; the context loses its beginning to make room.
        """
        return [self._generated(*request.args) for request in requests]

    def _generated(self, context: str, settings: Mapping[str, Any]) -> str:
        tokenizer, model = self.grounder.tokenizer, self.grounder.model
        most = next((settings[name] for name in _LENGTHS if settings.get(name) is not None), MOST_NEW_TOKENS)
        room = min(int(most), self.longest - 1)
        temperature = float(settings.get("temperature") or 0.0)
        if settings.get("do_sample") is False:
            temperature = 0.0
        given = [tokenizer.bos_id, *tokenizer.encode(escape_tags(context))][-max(1, self.longest - room) :]
        prompt = read(model, torch.tensor([given], device=model.device), room=room)
        decoding = Decoding(max_new_tokens=room, temperature=temperature, grammar=False)
        text = tokenizer.decode(generate(model, tokenizer, prompt, decoding)[0].ids)
        stops = settings.get("until") or ()
        return _cut(text, [stops] if isinstance(stops, str) else stops)


def _cut(text: str, stops: Sequence[str]) -> str:
    """What stands before the first of the stop words."""
    places = [place for place in (text.find(stop) for stop in stops if stop) if place >= 0]
    return text[: min(places, default=len(text))]
