"""`python -m kosmos_sim.second_sources --out DIR`: the training data that is no captioned picture.

Both stages of the paper's training (tables 7 and 8) read more than grounded pairs. In the layouts of the public sets:

- `text.jsonl`: documents in words alone, a line for each table;
- `interleaved.jsonl`, pictures in `pictures/`: words and pictures in turn (OBELICS);
- `conversations.json`: questions about a picture and their answers (LLaVA);
- `instructions.jsonl`: tasks in words alone (`instruction`, `input`, `output`).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from random import Random
from typing import Annotated, Any

import typer
from PIL import Image
from rich.console import Console
from rich.progress import track

from kosmos_agent.errors import InvalidArgumentError
from kosmos_sim.expressions.text import plural, with_article
from kosmos_sim.lexicon import NUMBERS
from kosmos_sim.public_formats.spoken import SpokenPicture, spoken
from kosmos_sim.records import SceneRecord
from kosmos_sim.splits import Split, split_of, train_seed
from kosmos_sim.stream import scene_records

TRAINING_SET = 1_001
"""Number of the training set: another one than that of `pairs`."""
TABLES_A_DOCUMENT, PICTURES_A_DOCUMENT = 4, 2
_QUALITY = 92


def write_sources(out: Path, count: int, training_set: int = TRAINING_SET, size: int = 224) -> None:
    """The four files, of `count` tables. InvalidArgumentError where `out` holds something."""
    if out.exists() and any(out.iterdir()):
        raise InvalidArgumentError(f"{out} is not empty; valid: a new or empty folder")
    (out / "pictures").mkdir(parents=True)
    split = Split("train", train_seed(training_set), count)
    records = islice(_trainable(scene_records(split.seed, size=size)), count)
    pictures = list(spoken(split, track(records, "rendering", count, console=Console(stderr=True))))
    for picture in pictures:
        Image.fromarray(picture.record.rgb).save(out / "pictures" / _name(picture), quality=_QUALITY)
    told = [picture for picture in pictures if picture.captions]
    _write_lines(out / "text.jsonl", documents(told))
    _write_lines(out / "interleaved.jsonl", interleaved(told))
    _write_lines(out / "instructions.jsonl", instructions(told, Random(split.seed)))
    (out / "conversations.json").write_text(json.dumps(list(conversations(pictures))), encoding="utf-8")


def documents(pictures: Sequence[SpokenPicture]) -> Iterator[dict[str, Any]]:
    for some in _groups(pictures, TABLES_A_DOCUMENT):
        yield {"text": "\n".join(_sentence(text) for picture in some for text in picture.captions[:2])}


def interleaved(pictures: Sequence[SpokenPicture]) -> Iterator[dict[str, Any]]:
    for some in _groups(pictures, PICTURES_A_DOCUMENT):
        parts = [part for picture in some for part in ((None, _name(picture)), (_sentence(picture.captions[0]), None))]
        yield {"texts": [text for text, _ in parts], "images": [image for _, image in parts]}


def conversations(pictures: Iterable[SpokenPicture]) -> Iterator[dict[str, Any]]:
    """Of each picture all questions that it has an answer to; the first one shows it."""
    for picture in pictures:
        turns: list[dict[str, str]] = []
        for question in picture.questions:
            words = question.text if turns else f"<image>\n{question.text}"
            turns += [{"from": "human", "value": words}, {"from": "gpt", "value": question.answer}]
        if turns:
            yield {"id": f"{picture.id:06d}", "image": _name(picture), "conversations": turns}


def instructions(pictures: Iterable[SpokenPicture], rng: Random) -> Iterator[dict[str, str]]:
    """About a list of what stands on a table: how many of a kind there are, or the colour of one."""
    for picture in pictures:
        things = picture.record.objects
        category = rng.choice(sorted({thing.category for thing in things}))
        named = [thing.colour for thing in things if thing.category == category]
        if len(named) == 1 and rng.random() < 0.5:
            instruction, output = f"What colour is the {category}?", named[0]
        else:
            instruction, output = f"How many {plural(category)} are there?", NUMBERS[len(named)]
        told = ", ".join(with_article(f"{thing.colour} {thing.category}") for thing in things)
        yield {"instruction": instruction, "input": told, "output": output}


def _trainable(records: Iterable[SceneRecord]) -> Iterator[SceneRecord]:
    for record in records:
        if split_of(record) != "train":
            raise InvalidArgumentError(f"these scenes belong to the {split_of(record)} split; name another set")
        if record.objects:
            yield record


def _groups(pictures: Sequence[SpokenPicture], count: int) -> Iterator[Sequence[SpokenPicture]]:
    return (pictures[first : first + count] for first in range(0, len(pictures) - count + 1, count))


def _name(picture: SpokenPicture) -> str:
    return f"{picture.id:06d}.jpg"


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:].rstrip('.')}."


def _write_lines(path: Path, items: Iterable[dict[str, Any]]) -> None:
    path.write_text("".join(f"{json.dumps(item)}\n" for item in items), encoding="utf-8")


def main(
    out: Annotated[Path, typer.Option(help="new folder")],
    count: Annotated[int, typer.Option(min=4, help="tables")] = 400,
    training_set: Annotated[int, typer.Option(min=0, help="number of the training set")] = TRAINING_SET,
) -> None:
    """Text, interleaved documents, conversations and instructions."""
    try:
        write_sources(out, count, training_set)
    except InvalidArgumentError as error:
        raise typer.BadParameter(str(error), param_hint="--out") from error


if __name__ == "__main__":
    typer.run(main)
