"""Flickr30k Entities as given out: `Sentences/ID.txt`, `Annotations/ID.xml`, and a list of ids for each split.

A sentence marks its phrases: `[/EN#283585/people A man] in [/EN#283587/clothing a blue hat] ...`; the number leads to
the phrase's boxes in the XML.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from kosmos_agent.errors import InvalidDatasetError
from kosmos_agent.evaluation.benchmarks.files import MAX_SMALL_BYTES, AnnotationFiles
from kosmos_agent.evaluation.benchmarks.samples import Benchmark, BoxPx, GroundingSample, told_by_words

_PHRASE = re.compile(r"\[/EN#(\d+)((?:/[^\s/\[\]]+)+) ([^\[\]]+)\]")
_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class Phrase:
    """start: its first character in the plain sentence. kinds: people, clothing, ..."""

    number: str
    kinds: tuple[str, ...]
    words: str
    start: int


@dataclass(frozen=True)
class PictureBoxes:
    """boxes_px: by phrase number. Corners as in the file, which is how the authors of Kosmos-2 score them."""

    width: int
    height: int
    boxes_px: dict[str, tuple[BoxPx, ...]]


def read_flickr_entities(folder: Path, split: str) -> Benchmark[GroundingSample]:
    """All phrases with boxes of the pictures that `{split}.txt` lists.

    Phrases of one sentence with the same words: `told_by_words`.
    """
    files = AnnotationFiles()
    samples: list[GroundingSample] = []
    left_out: list[str] = []
    for name in _ids(files, folder / f"{split}.txt"):
        boxes = parse_boxes(files.read(folder / "Annotations" / f"{name}.xml", MAX_SMALL_BYTES), f"{name}.xml")
        lines = files.text(folder / "Sentences" / f"{name}.txt", MAX_SMALL_BYTES).split("\n")
        for number, line in enumerate(lines):
            if not line.strip():
                continue
            sentence, phrases = parse_sentence(line, f"{name}.txt line {number + 1}")
            boxed = [phrase for phrase in phrases if phrase.number in boxes.boxes_px]
            left_out += [f"{name}.txt line {number + 1}: {p.words!r} has no box" for p in phrases if p not in boxed]
            samples += _samples(f"{name}-{number}", f"{name}.jpg", sentence, boxed, boxes)
    if not samples:
        raise InvalidDatasetError(f"{folder}: no phrase of split {split!r} has a box")
    return Benchmark("flickr30k", split, samples, files.digest, tuple(left_out))


def parse_sentence(line: str, place: str) -> tuple[str, list[Phrase]]:
    """The plain sentence and its phrases; InvalidDatasetError for a bracket that opens no phrase."""
    parts: list[str] = []
    phrases: list[Phrase] = []
    position = length = 0
    for match in _PHRASE.finditer(line):
        parts += [line[position : match.start()], match[3]]
        length += len(parts[-2])
        phrases.append(Phrase(match[1], tuple(match[2].split("/")[1:]), match[3], length))
        length += len(match[3])
        position = match.end()
    sentence = "".join(parts) + line[position:]
    if "[/EN#" in sentence:
        raise InvalidDatasetError(f"{place}: a phrase is malformed; valid: [/EN#number/type words]")
    return sentence.rstrip(), phrases


def parse_boxes(data: bytes, place: str) -> PictureBoxes:
    """InvalidDatasetError for what is no annotation of a picture."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise InvalidDatasetError(f"{place} declares a document type or entities; valid: plain XML")
    try:
        root = ElementTree.fromstring(data)  # noqa: S314 - bounded in size, and without entities
        width, height = (int(_text(root, f"size/{side}", place)) for side in ("width", "height"))
        boxes: defaultdict[str, list[BoxPx]] = defaultdict(list)
        for thing in root.iterfind("object"):
            box = thing.find("bndbox")
            if box is None:
                continue
            x1, y1, x2, y2 = (float(_text(box, side, place)) for side in ("xmin", "ymin", "xmax", "ymax"))
            for name in thing.iterfind("name"):
                boxes[name.text or ""].append((x1, y1, x2, y2))
    except (ElementTree.ParseError, ValueError) as error:
        raise InvalidDatasetError(f"{place} is no annotation of a picture ({error})") from error
    if width < 1 or height < 1:
        raise InvalidDatasetError(f"{place}: size {width} x {height}; valid: 1 or more each")
    return PictureBoxes(width, height, {name: tuple(some) for name, some in boxes.items()})


def _samples(
    sentence_id: str, image: str, sentence: str, phrases: Sequence[Phrase], boxes: PictureBoxes
) -> list[GroundingSample]:
    samples = [
        GroundingSample(
            id=f"{sentence_id}-{number}",
            image=image,
            width=boxes.width,
            height=boxes.height,
            phrase=phrase.words,
            boxes_px=boxes.boxes_px[phrase.number],
            before=sentence[: phrase.start],
            kinds=phrase.kinds,
        )
        for number, phrase in enumerate(phrases)
    ]
    return told_by_words(samples)


def _ids(files: AnnotationFiles, path: Path) -> list[str]:
    ids = files.text(path).split()
    for name in ids:
        if not _NAME.fullmatch(name) or ".." in name:
            raise InvalidDatasetError(f"{path}: {name!r} is no picture's id; valid: letters, digits, - and _")
    return list(dict.fromkeys(ids))


def _text(element: ElementTree.Element, path: str, place: str) -> str:
    found = element.findtext(path)
    if found is None:
        raise InvalidDatasetError(f"{place}: no {path} in <{element.tag}>")
    return found
