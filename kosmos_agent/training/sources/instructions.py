"""Questions with answers: LLaVA-style conversations about a picture, and instructions in words alone.

The paper does not publish its chat format; turns are written as its published prompts are: `Question: ... Answer: ...`.
Answers and `</s>` are learnt, questions are given.
"""

from __future__ import annotations

import json
from array import array
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from kosmos_agent.errors import InvalidSampleError
from kosmos_agent.training.rows.sample import Sample, SampleWriter
from kosmos_agent.training.sources.context import Context
from kosmos_agent.training.sources.excluded import Excluded
from kosmos_agent.training.sources.json_lines import JsonLines
from kosmos_agent.training.sources.pictures import open_picture
from kosmos_agent.training.sources.source import shuffled

MAX_FILE_BYTES = 4 * 2**30
_PLACEHOLDER = "<image>"

Turn = tuple[str, str]
"""Question, answer."""


class Conversations:
    """LLaVA's file: a JSON list of {"image": name, "conversations": [{"from": "human" | "gpt", "value": text}, ...]}.

    Records without `image` are conversations in words alone. exclude: a file as `excluded.Excluded` takes it; records
    on its pictures are told of, in one line, and left out; a list that none is of is warned of. InvalidSampleError
    where none is left.
    """

    def __init__(
        self,
        path: Path,
        images: Path,
        context: Context,
        title: str = "conversations",
        *,
        exclude: Path | None = None,
    ) -> None:
        self._path, self._images, self._context = path, images, context
        self._records = _json_list(path)
        self._used: Sequence[int] = range(len(self._records))
        if exclude is not None:
            self._leave_out(Excluded(exclude), title, exclude)

    def __len__(self) -> int:
        return len(self._used)

    def sample(self, number: int) -> Sample:
        index = self._used[shuffled(number, len(self), self._context.seed)]
        record, place = self._records[index], f"{self._path} record {index + 1}"
        writer = self._context.writer()
        if record.get("image") is not None:
            writer.picture(self._context.picture(open_picture(self._images, record["image"], place)))
        return answered(writer, _turns(record.get("conversations"), place), self._context)

    def _leave_out(self, excluded: Excluded, title: str, file: Path) -> None:
        self._used = array("q", (n for n, record in enumerate(self._records) if record.get("image") not in excluded))
        left_out = len(self._records) - len(self._used)
        if not self._used:
            raise InvalidSampleError(f"{self._path}: all {left_out} records are on pictures of {file}")
        note = f"{self._path}: {left_out} of {len(self._records)} records left out, on pictures of {file}"
        self._context.on_reject(title, None, InvalidSampleError(note))
        if not left_out:
            named = next((record["image"] for record in self._records if record.get("image") is not None), None)
            self._context.warn(f"source {title}: {note}; is it the right list? The first record's picture is {named!r}")


class Instructions:
    """JSONL with `instruction`, `input` (may be absent) and `output`, or FLAN's `inputs` and `targets`."""

    def __init__(self, path: Path, context: Context) -> None:
        self._lines, self._context = JsonLines(path), context

    def __len__(self) -> int:
        return len(self._lines)

    def sample(self, number: int) -> Sample:
        index = shuffled(number, len(self), self._context.seed)
        question = self._lines.text(index, "instruction", "inputs")
        extra = self._lines[index].get("input")
        if isinstance(extra, str) and extra.strip():
            question = f"{question} {extra}"
        answer = self._lines.text(index, "output", "targets")
        return answered(self._context.writer(), [(question, answer)], self._context)


def answered(writer: SampleWriter, turns: Sequence[Turn], context: Context) -> Sample:
    """Turns are added while they fit. InvalidSampleError when not even the first does."""
    eos = [context.tokenizer.eos_id]
    for number, (question, answer) in enumerate(turns):
        given = context.words(f"Question: {question.strip()} Answer:")
        learnt = context.words(answer.strip())
        if len(writer) + len(given) + len(learnt) + len(eos) > context.row_tokens + 1:
            if number == 0:
                raise InvalidSampleError(
                    f"question {question!r:.60} and its answer do not fit {context.row_tokens} tokens"
                )
            break
        writer.add(given, learn=False).add(learnt)
    return writer.add(eos).finish()


def _turns(found: object, place: str) -> list[Turn]:
    if not isinstance(found, list) or len(found) < 2 or len(found) % 2:
        raise InvalidSampleError(f"{place}: conversations needs turns of human and gpt in pairs")
    said: list[str] = []
    for number, turn in enumerate(found):
        wanted = ("human", "gpt")[number % 2]
        value = turn.get("value") if isinstance(turn, dict) and turn.get("from") == wanted else None
        words = value.replace(_PLACEHOLDER, " ").strip() if isinstance(value, str) else ""
        if not words:
            raise InvalidSampleError(f"{place}: turn {number + 1} is {turn!r:.80}; valid: from {wanted}, with a value")
        said.append(words)
    return list(zip(said[::2], said[1::2], strict=True))


def _json_list(path: Path) -> list[dict[str, Any]]:
    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidSampleError(f"{path} is larger than {MAX_FILE_BYTES} bytes")
        found = json.loads(path.read_bytes())
    except OSError as error:
        raise InvalidSampleError(f"cannot read {path}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise InvalidSampleError(f"{path} is not JSON: {error}") from error
    if not isinstance(found, list) or not found or not all(isinstance(item, dict) for item in found):
        raise InvalidSampleError(f"{path} needs a list of objects")
    return found
