"""RefCOCOg as the REFER tool keeps it: references with their sentences, and COCO's `instances.json` with the boxes.

The original's `refs(umd).p` is a pickle, which can run any code when it is opened and is not read here: whoever trusts
a copy can write its list as `refs(umd).json` once.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, TypeAdapter
from pydantic.dataclasses import dataclass

from kosmos_agent.errors import InvalidDatasetError
from kosmos_agent.evaluation.benchmarks.files import AnnotationFiles, unique
from kosmos_agent.evaluation.benchmarks.mdetr import Size, corners
from kosmos_agent.evaluation.benchmarks.samples import Benchmark, RegionSample

REFS_FILES = ("refs(umd).json", "refs(google).json", "refs(unc).json")
INSTANCES_FILE = "instances.json"


@dataclass(frozen=True)
class _Sentence:
    sent: str


@dataclass(frozen=True)
class _Reference:
    ref_id: int
    ann_id: int
    image_id: int
    split: str
    sentences: list[_Sentence] = Field(min_length=1)


@dataclass(frozen=True)
class _Image:
    id: int
    file_name: str
    width: Size
    height: Size


@dataclass(frozen=True)
class _Annotation:
    id: int
    bbox: tuple[float, float, float, float]


@dataclass(frozen=True)
class _Instances:
    images: list[_Image]
    annotations: list[_Annotation]


_REFERENCES, _INSTANCES = TypeAdapter(list[_Reference]), TypeAdapter(_Instances)


def read_refer(folder: Path, split: str) -> Benchmark[RegionSample]:
    """The boxes of one split, each with all that was said of it."""
    files = AnnotationFiles()
    path = _references_file(folder)
    chosen = [item for item in files.json(path, _REFERENCES) if item.split == split]
    if not chosen:
        raise InvalidDatasetError(f"{path} has no references of split {split!r}; valid: train, val or test")
    unique((str(item.ref_id) for item in chosen), str(path))
    instances = files.json(folder / INSTANCES_FILE, _INSTANCES)
    images = {image.id: image for image in instances.images}
    boxes = {item.id: item.bbox for item in instances.annotations}
    samples = []
    for item in chosen:
        place = f"{path}: reference {item.ref_id}"
        if item.image_id not in images or item.ann_id not in boxes:
            raise InvalidDatasetError(f"{place}: its picture or its box is not in {INSTANCES_FILE}")
        image, said = images[item.image_id], tuple(sentence.sent for sentence in item.sentences)
        box_px = corners(boxes[item.ann_id], place)
        samples.append(RegionSample(str(item.ref_id), image.file_name, image.width, image.height, box_px, said))
    return Benchmark("reg", split, samples, files.digest)


def _references_file(folder: Path) -> Path:
    for name in REFS_FILES:
        if (folder / name).is_file():
            return folder / name
    if any(folder.glob("refs(*).p")):
        raise InvalidDatasetError(
            f"{folder} holds its references as a pickle, which is never opened; valid: the same list as JSON, "
            f"{REFS_FILES[0]}, or MDETR's finetune_refcocog_*.json"
        )
    raise InvalidDatasetError(f"no references in {folder}; valid: one of {', '.join(REFS_FILES)}")
