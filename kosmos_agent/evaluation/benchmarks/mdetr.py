"""MDETR's annotation files: RefCOCO, RefCOCO+, RefCOCOg and Flickr30k Entities as COCO-like JSON.

`images` holds one entry for each expression or caption, `annotations` the boxes (x, y, width, height in pixels).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass as plain_dataclass
from pathlib import Path
from typing import Annotated

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from kosmos_agent.errors import InvalidDatasetError
from kosmos_agent.evaluation.benchmarks.files import AnnotationFiles, unique
from kosmos_agent.evaluation.benchmarks.samples import Benchmark, BoxPx, GroundingSample, RegionSample, told_by_words

Span = tuple[int, int]
Size = Annotated[int, Field(ge=1)]


@dataclass(frozen=True)
class _Image:
    """tokens_positive_eval: the phrases of a Flickr30k caption, each a list of character spans."""

    id: int
    file_name: str
    width: Size
    height: Size
    caption: str
    tokens_positive_eval: list[list[Span]] | None = None


@dataclass(frozen=True)
class _Annotation:
    image_id: int
    bbox: tuple[float, float, float, float]
    tokens_positive: list[Span] | None = None


@dataclass(frozen=True)
class _File:
    images: list[_Image]
    annotations: list[_Annotation]


@plain_dataclass(frozen=True)
class _Read:
    images: Sequence[_Image]
    boxes: Mapping[int, Sequence[_Annotation]]
    digest: str


_ADAPTER = TypeAdapter(_File)


def read_refcoco(path: Path, name: str, split: str) -> Benchmark[GroundingSample]:
    """`finetune_{refcoco,refcoco+,refcocog}_{split}.json`: one expression and one box for each entry."""
    read = _read(path)
    samples = []
    for image in read.images:
        boxes = read.boxes.get(image.id, ())
        if len(boxes) != 1:
            raise InvalidDatasetError(f"{path}: image entry {image.id} has {len(boxes)} boxes; valid: one")
        box_px = corners(boxes[0].bbox, f"{path}: image entry {image.id}")
        samples.append(
            GroundingSample(str(image.id), image.file_name, image.width, image.height, image.caption, (box_px,))
        )
    return Benchmark(name, split, samples, read.digest)


def read_flickr(path: Path, split: str) -> Benchmark[GroundingSample]:
    """`final_flickr_separateGT_{split}.json`: each phrase of a caption by itself, right with any of its boxes.

    A phrase without a box is not asked, as in the authors' evaluation. Those of one caption with the same words:
    `told_by_words`. The file knows no categories.
    """
    read = _read(path)
    samples: list[GroundingSample] = []
    left_out: list[str] = []
    for image in read.images:
        boxed, boxless = _caption_phrases(image, read.boxes.get(image.id, ()), path)
        samples += told_by_words(boxed)
        left_out += boxless
    return Benchmark("flickr30k", split, samples, read.digest, tuple(left_out))


def _caption_phrases(
    image: _Image, boxes: Sequence[_Annotation], path: Path
) -> tuple[list[GroundingSample], list[str]]:
    """Those with a box, and what is left out."""
    if image.tokens_positive_eval is None:
        raise InvalidDatasetError(f"{path}: image entry {image.id} has no tokens_positive_eval")
    samples, left_out = [], []
    for number, spans in enumerate(image.tokens_positive_eval):
        place = f"{path}: image entry {image.id}, phrase {number}"
        start, end = _span(spans, image.caption, place)
        linked = [item for item in boxes if (start, end) in (item.tokens_positive or ())]
        if not linked:
            left_out.append(f"image entry {image.id}, phrase {number}: no box")
            continue
        boxes_px = tuple(corners(item.bbox, place) for item in linked)
        size, words = (image.width, image.height), (image.caption[start:end], image.caption[:start])
        samples.append(GroundingSample(f"{image.id}-{number}", image.file_name, *size, words[0], boxes_px, words[1]))
    return samples, left_out


def read_regions(path: Path, split: str) -> Benchmark[RegionSample]:
    """The same RefCOCOg file turned round: each box once, with every expression that was said of it."""
    read = _read(path)
    said: defaultdict[tuple[str, BoxPx], list[str]] = defaultdict(list)
    first: dict[tuple[str, BoxPx], _Image] = {}
    for image in read.images:
        for item in read.boxes.get(image.id, ()):
            key = (image.file_name, corners(item.bbox, f"{path}: image entry {image.id}"))
            said[key].append(image.caption)
            first.setdefault(key, image)
    samples = [
        RegionSample(str(image.id), image.file_name, image.width, image.height, key[1], tuple(said[key]))
        for key, image in first.items()
    ]
    return Benchmark("reg", split, samples, read.digest)


def corners(bbox: Sequence[float], place: str) -> BoxPx:
    """x, y, width, height -> x1, y1, x2, y2; InvalidDatasetError for an empty box."""
    x, y, width, height = bbox
    if not (width > 0 and height > 0 and abs(x) < 1e6 and abs(y) < 1e6):
        raise InvalidDatasetError(f"{place}: box {list(bbox)} is empty; valid: x, y, width, height in pixels")
    return (x, y, x + width, y + height)


def _read(path: Path) -> _Read:
    files = AnnotationFiles()
    data = files.json(path, _ADAPTER)
    if not data.images:
        raise InvalidDatasetError(f"{path} holds no images; valid: an entry for each expression")
    unique((str(image.id) for image in data.images), str(path))
    boxes: defaultdict[int, list[_Annotation]] = defaultdict(list)
    for item in data.annotations:
        boxes[item.image_id].append(item)
    return _Read(data.images, boxes, files.digest)


def _span(spans: Sequence[Span], caption: str, place: str) -> Span:
    """The first span counts, as in the authors' evaluation."""
    if not spans or not 0 <= spans[0][0] < spans[0][1] <= len(caption):
        raise InvalidDatasetError(f"{place}: spans {list(spans)} lie outside a caption of {len(caption)} characters")
    return spans[0]
