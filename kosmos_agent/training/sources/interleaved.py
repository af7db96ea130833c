"""Documents of texts and pictures in turn.

One JSON object a line: `texts` and `images` of equal length, in each place one of the two and null for the other (the
layout of OBELICS). Of a document, the first five pictures and the first `row_tokens` tokens are used.
"""

from __future__ import annotations

from itertools import zip_longest
from pathlib import Path
from typing import Any

from kosmos_agent.errors import InvalidSampleError
from kosmos_agent.training.rows.sample import Sample
from kosmos_agent.training.sources.context import Context
from kosmos_agent.training.sources.json_lines import JsonLines
from kosmos_agent.training.sources.pictures import open_picture
from kosmos_agent.training.sources.source import shuffled

MAX_PICTURES = 5
"""Of one sample, as published (specification 6.3)."""


class Interleaved:
    def __init__(self, path: Path, images: Path, context: Context) -> None:
        self._documents, self._images, self._context = JsonLines(path), images, context

    def __len__(self) -> int:
        return len(self._documents)

    def sample(self, number: int) -> Sample:
        context = self._context
        index = shuffled(number, len(self), context.seed)
        place = f"{self._documents.path} record {index + 1}"
        writer = context.writer()
        shown = 0
        for text, image in _parts(self._documents[index], place):
            if text is not None:
                writer.add(context.words(text)[: context.row_tokens - len(writer)])
            elif shown == MAX_PICTURES or len(writer) + context.slots + 2 > context.row_tokens:
                break
            else:
                writer.picture(context.picture(open_picture(self._images, image, place)), learn_tag=True)
                shown += 1
        return writer.add([context.tokenizer.eos_id]).finish()


def _parts(record: dict[str, Any], place: str) -> list[tuple[str | None, str | None]]:
    texts, images = record.get("texts"), record.get("images")
    if not isinstance(texts, list) or not isinstance(images, list) or len(texts) != len(images) or not texts:
        raise InvalidSampleError(f"{place} needs texts and images, lists of equal length")
    parts = list(zip_longest(texts, images))
    for text, image in parts:
        if not (isinstance(text, str) and image is None) and not (isinstance(image, str) and text is None):
            raise InvalidSampleError(f"{place} holds {text!r:.40} beside {image!r:.40}; valid: one of them, and null")
    return parts
