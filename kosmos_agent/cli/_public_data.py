"""From what `--data` names to a benchmark: which reader, and where its pictures lie."""

from __future__ import annotations

from pathlib import Path

from kosmos_agent.cli._load import needs
from kosmos_agent.errors import InvalidDatasetError
from kosmos_agent.evaluation.benchmarks import mdetr
from kosmos_agent.evaluation.benchmarks.files import PictureFolder
from kosmos_agent.evaluation.benchmarks.flickr_entities import read_flickr_entities
from kosmos_agent.evaluation.benchmarks.label_folders import read_label_folder
from kosmos_agent.evaluation.benchmarks.refer import read_refer
from kosmos_agent.evaluation.benchmarks.samples import (
    Benchmark,
    GroundingSample,
    RegionSample,
)
from kosmos_agent.evaluation.label_folder import LABELS_FILE

COCO_FOLDERS = ("train2014", "val2014", "test2015", "images")
"""Where pictures are looked for below `--images`, beside itself."""


def open_comprehension(name: str, data: Path, split: str) -> Benchmark[GroundingSample]:
    """RefCOCO and its kin, Ref-L4, or a folder with our `labels.jsonl`."""
    if data.suffix == ".parquet" or (name == "ref-l4" and data.is_dir() and not (data / LABELS_FILE).exists()):
        with needs("grit"):
            from kosmos_agent.evaluation.benchmarks.ref_l4 import read_ref_l4
        return read_ref_l4(data / f"ref-l4-{split}.parquet" if data.is_dir() else data, split)
    if (data / LABELS_FILE).is_file():
        return read_label_folder(data, name, split)
    return mdetr.read_refcoco(_mdetr_file(data, f"finetune_{name}_{split}.json"), name, split)


def open_flickr(data: Path, split: str) -> Benchmark[GroundingSample]:
    """The Entities folder itself, or MDETR's file of it."""
    if (data / "Sentences").is_dir():
        return read_flickr_entities(data, split)
    return mdetr.read_flickr(_mdetr_file(data, f"final_flickr_separateGT_{split}.json"), split)


def open_regions(data: Path, split: str) -> Benchmark[RegionSample]:
    """RefCOCOg of the REFER tool, or MDETR's file of it."""
    mdetr_file = data / f"finetune_refcocog_{split}.json"
    if data.is_dir() and not mdetr_file.is_file():
        return read_refer(data, split)
    return mdetr.read_regions(mdetr_file if data.is_dir() else data, split)


def open_pictures(data: Path, images: Path | None) -> PictureFolder:
    """`--images`, or the folder of the annotations."""
    return PictureFolder(images or (data if data.is_dir() else data.parent), COCO_FOLDERS)


def _mdetr_file(data: Path, name: str) -> Path:
    if not data.is_dir():
        return data
    if not (data / name).is_file():
        raise InvalidDatasetError(f"{data} holds no {name}; valid: a folder with it, or the file itself")
    return data / name
