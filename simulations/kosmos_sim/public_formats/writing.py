"""Writes a split, or the first pictures of it, in every format into one folder."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from PIL import Image

from kosmos_agent.errors import InvalidArgumentError
from kosmos_sim.public_formats import coco, flickr, referring
from kosmos_sim.public_formats.spoken import SpokenPicture

SUBTYPE = "tabletop2014"
"""Stands where COCO has val2014: in the names of pictures and files."""
COCO_FOLDER, FLICKR_FOLDER, REFER_FOLDER = "coco", "flickr30k", "refcocog"
_QUALITY = 92


def write_public_formats(folder: Path, split: str, pictures: Iterable[SpokenPicture]) -> int:
    """Pictures as they come, then the annotations; how many pictures. `split`: its name in files and entries.

    InvalidArgumentError when the folder is not empty: old and new files must not mix.
    """
    if folder.exists() and any(folder.iterdir()):
        raise InvalidArgumentError(f"{folder} is not empty; valid: a new or empty folder")
    for name in (f"{COCO_FOLDER}/images", f"{FLICKR_FOLDER}/images", REFER_FOLDER):
        (folder / name).mkdir(parents=True, exist_ok=True)
    kept = []
    for picture in pictures:
        image = Image.fromarray(picture.record.rgb)
        for name in (
            f"{COCO_FOLDER}/images/{coco.coco_name(SUBTYPE, picture)}",
            f"{FLICKR_FOLDER}/images/{picture.id}.jpg",
        ):
            image.save(folder / name, quality=_QUALITY, subsampling=0)
        kept.append(picture)
    _write_coco(folder / COCO_FOLDER, split, kept)
    _write_flickr(folder / FLICKR_FOLDER, split, kept)
    _write_json(folder / REFER_FOLDER / "refs(umd).json", referring.refer_references(split, kept))
    _write_json(folder / REFER_FOLDER / "instances.json", referring.refer_instances(SUBTYPE, kept))
    return len(kept)


def _write_coco(folder: Path, split: str, pictures: list[SpokenPicture]) -> None:
    for name in referring.KINDS:
        _write_json(folder / f"finetune_{name}_{split}.json", referring.mdetr_referring(name, SUBTYPE, pictures))
    _write_json(folder / f"captions_{SUBTYPE}.json", coco.coco_captions(SUBTYPE, pictures))
    _write_json(folder / f"v2_OpenEnded_mscoco_{SUBTYPE}_questions.json", coco.vqa_questions(SUBTYPE, pictures))
    _write_json(folder / f"v2_mscoco_{SUBTYPE}_annotations.json", coco.vqa_annotations(SUBTYPE, pictures))


def _write_flickr(folder: Path, split: str, pictures: list[SpokenPicture]) -> None:
    captioned = [picture for picture in pictures if picture.caption]
    for name in ("Sentences", "Annotations"):
        (folder / name).mkdir()
    for picture in captioned:
        (folder / "Sentences" / f"{picture.id}.txt").write_text(flickr.sentence(picture) + "\n", encoding="utf-8")
        (folder / "Annotations" / f"{picture.id}.xml").write_text(flickr.annotation(picture), encoding="utf-8")
    (folder / f"{split}.txt").write_text("".join(f"{picture.id}\n" for picture in captioned), encoding="utf-8")
    _write_json(folder / f"final_flickr_separateGT_{split}.json", flickr.mdetr_flickr(captioned))
    _write_json(folder / "dataset_flickr30k.json", coco.karpathy(split, captioned))


def _write_json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, ensure_ascii=False) + "\n", encoding="utf-8")
