"""Pictures with plain captions: `<s><image>...</image>` caption `</s>`."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from kosmos_agent.training.rows.sample import Sample
from kosmos_agent.training.sources.context import Context
from kosmos_agent.training.sources.shards import ShardedSamples


class Captions:
    """A folder as img2dataset leaves it."""

    def __init__(self, folder: Path, context: Context, title: str = "captions") -> None:
        self._context = context
        on_bad = partial(context.on_reject, title, None)
        self._samples = ShardedSamples(folder, context.seed, on_bad=on_bad, index=context.index)

    def __len__(self) -> int:
        return len(self._samples)

    def sample(self, number: int) -> Sample:
        context = self._context
        _, found = self._samples.draw(number)
        words = context.words(found.caption())
        writer = context.writer().picture(context.picture(found.image()))
        return writer.add(words[: context.row_tokens - len(writer)]).add([context.tokenizer.eos_id]).finish()
