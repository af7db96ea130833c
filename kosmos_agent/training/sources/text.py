"""Plain documents in blocks (specification 6.3): `<s>`, lines with `</line>` between, `</s>` behind each document.

A line is never split over blocks; one that is longer than a block is cut. The blocks of a file are found when it is
opened, by tokenising all of it, and kept in the run's index. Records that hold no text are told of, and passed over.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from kosmos_agent.errors import InvalidSampleError
from kosmos_agent.training.rows.sample import Sample
from kosmos_agent.training.sources.context import Context
from kosmos_agent.training.sources.index import Found, stamp
from kosmos_agent.training.sources.json_lines import JsonLines
from kosmos_agent.training.sources.source import shuffled


@dataclass(frozen=True)
class _Line:
    """A tokenised line with the tag behind it, and where it stands."""

    document: int
    number: int
    ids: list[int]


class TextBlocks:
    """A JSONL file whose objects hold `text`. InvalidSampleError where none does."""

    def __init__(self, path: Path, context: Context, title: str = "text") -> None:
        self._path, self._context = path, context
        self._bad: dict[int, InvalidSampleError] = {}
        known = context.index.found(f"text {path.resolve()}", self._facts(), self._find)
        self._documents = JsonLines(path, known.numbers["lines"])
        self._starts = known.numbers["documents"], known.numbers["numbers"]
        errors = [InvalidSampleError(note) for note in known.notes]
        self._bad = dict(zip(known.numbers["bad"].tolist(), errors, strict=True))
        for error in errors:
            context.on_reject(title, None, error)
        if not len(self):
            raise next(iter(errors), InvalidSampleError(f"{path} holds no text"))

    def __len__(self) -> int:
        return len(self._starts[0])

    def sample(self, number: int) -> Sample:
        place = shuffled(number, len(self), self._context.seed)
        writer = self._context.writer(speaks=True)
        for line in self._lines(int(self._starts[0][place]), int(self._starts[1][place])):
            if len(writer) + len(line.ids) > self._context.row_tokens:
                break
            writer.add(line.ids)
        return writer.finish()

    def _facts(self) -> dict[str, Any]:
        """What the blocks hang on."""
        words = hashlib.sha256(self._context.tokenizer.to_json().encode()).hexdigest()
        changed = stamp(self._path) if self._path.is_file() else None
        return {"changed": changed, "row_tokens": self._context.row_tokens, "tokenizer": words}

    def _find(self) -> Found:
        """Where the blocks begin, by tokenising everything."""
        self._documents = JsonLines(self._path)
        documents, numbers = array("q"), array("q")
        room = 0
        for line in self._lines(0, 0):
            if room < len(line.ids):
                documents.append(line.document)
                numbers.append(line.number)
                room = self._room
            room -= len(line.ids)
        found = {"documents": documents, "numbers": numbers, "bad": array("q", self._bad)}
        arrays = {name: np.array(values, np.int64) for name, values in found.items()}
        return Found({**arrays, "lines": self._documents.starts}, tuple(map(str, self._bad.values())))

    @property
    def _room(self) -> int:
        return self._context.row_tokens - 1

    def _lines(self, document: int, number: int) -> Iterator[_Line]:
        tokenizer = self._context.tokenizer
        for index in range(document, len(self._documents)):
            lines = [line for line in self._text(index).splitlines() if line.strip()]
            for place, line in enumerate(lines):
                if index == document and place < number:
                    continue
                end = tokenizer.eos_id if place == len(lines) - 1 else tokenizer.line_end_id
                yield _Line(index, place, [*self._context.words(line)[: self._room - 1], end])

    def _text(self, index: int) -> str:
        if index in self._bad:
            return ""
        try:
            return self._documents.text(index, "text")
        except InvalidSampleError as error:
            self._bad[index] = error
            return ""
