"""Pictures with captions: COCO's `captions_*.json`, and Karpathy's splits (`dataset_flickr30k.json`)."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from typing import Any

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from kosmos_agent.errors import InvalidDatasetError
from kosmos_agent.evaluation.benchmarks.files import AnnotationFiles, unique, validated
from kosmos_agent.evaluation.benchmarks.samples import Benchmark, CaptionSample


@dataclass(frozen=True)
class _CocoImage:
    id: int
    file_name: str


@dataclass(frozen=True)
class _CocoCaption:
    image_id: int
    caption: str


@dataclass(frozen=True)
class _Coco:
    images: list[_CocoImage]
    annotations: list[_CocoCaption]


@dataclass(frozen=True)
class _Sentence:
    raw: str


@dataclass(frozen=True)
class _KarpathyImage:
    filename: str
    split: str
    sentences: list[_Sentence] = Field(min_length=1)


@dataclass(frozen=True)
class _Karpathy:
    images: list[_KarpathyImage]


_ANY = TypeAdapter(dict[str, Any])
_COCO, _KARPATHY = TypeAdapter(_Coco), TypeAdapter(_Karpathy)


def read_captions(path: Path, split: str) -> Benchmark[CaptionSample]:
    """Either format, told apart by COCO's list of `annotations`."""
    files = AnnotationFiles()
    data = files.json(path, _ANY)
    if "annotations" in data:
        samples, left_out = _coco(validated(data, _COCO, str(path)), path)
    else:
        samples, left_out = _karpathy(validated(data, _KARPATHY, str(path)), path, split)
    if not samples:
        raise InvalidDatasetError(f"{path} holds no captions; valid: at least one picture with one")
    return Benchmark("caption", split, samples, files.digest, left_out)


def _coco(data: _Coco, path: Path) -> tuple[list[CaptionSample], tuple[str, ...]]:
    """Pictures that have a caption; those without one are left out."""
    said: defaultdict[int, list[str]] = defaultdict(list)
    for item in data.annotations:
        said[item.image_id].append(item.caption)
    unique((str(image.id) for image in data.images), str(path))
    samples = [
        CaptionSample(str(image.id), image.file_name, tuple(said[image.id])) for image in data.images if said[image.id]
    ]
    return samples, tuple(f"picture {image.file_name}: no caption" for image in data.images if not said[image.id])


def _karpathy(data: _Karpathy, path: Path, split: str) -> tuple[list[CaptionSample], tuple[str, ...]]:
    """The pictures of one split (test, val, train); five captions each in the original."""
    chosen = [image for image in data.images if image.split == split]
    if not chosen:
        known = ", ".join(sorted({image.split for image in data.images})) or "none"
        raise InvalidDatasetError(f"{path} has no pictures of split {split!r}; valid: {known}")
    unique((image.filename for image in chosen), str(path))
    return [
        CaptionSample(image.filename, image.filename, tuple(sentence.raw for sentence in image.sentences))
        for image in chosen
    ], ()
