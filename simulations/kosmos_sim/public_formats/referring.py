"""RefCOCO, RefCOCO+, RefCOCOg in MDETR's JSON, and RefCOCOg as the REFER tool keeps it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from kosmos_sim.expressions import Expression
from kosmos_sim.public_formats.coco import coco_images, coco_name
from kosmos_sim.public_formats.spoken import BoxPx, SpokenPicture

Json = dict[str, Any]

_PLACELESS = ("attribute", "category", "colour", "size")
_LONG = ("relation", "superlative", "ordinal")
KINDS = {"refcoco": (*_PLACELESS, *_LONG), "refcoco+": _PLACELESS, "refcocog": _LONG}
"""RefCOCO+ forbids words of place, and RefCOCOg's expressions are the long ones."""


def mdetr_referring(name: str, subtype: str, pictures: Sequence[SpokenPicture]) -> Json:
    """`finetune_{name}_*.json`: an entry and a box for every expression of one thing."""
    images, annotations = [], []
    for number, (picture, expression, box_px) in enumerate(_expressions(name, pictures), start=1):
        width, height = picture.size
        images.append(
            {
                "id": number,
                "file_name": coco_name(subtype, picture),
                "width": width,
                "height": height,
                "original_id": picture.id,
                "caption": expression.text,
                "dataset_name": name,
            }
        )
        spans = [[0, len(expression.text)]]
        annotations.append({"id": number, "image_id": number, "bbox": xywh(box_px), "tokens_positive": spans})
    return {"images": images, "annotations": annotations}


def _expressions(name: str, pictures: Sequence[SpokenPicture]) -> Iterator[tuple[SpokenPicture, Expression, BoxPx]]:
    for picture in pictures:
        for expression, boxes_px in picture.expressions:
            if expression.kind in KINDS[name] and len(boxes_px) == 1:
                yield picture, expression, boxes_px[0]


def refer_references(split: str, pictures: Sequence[SpokenPicture]) -> list[Json]:
    """`refs(umd).json`: things with all that may be said of them."""
    return [
        {
            "ref_id": number,
            "ann_id": number,
            "image_id": picture.id,
            "split": split,
            "sentences": [{"sent": text} for text in region.expressions],
        }
        for number, (picture, region) in enumerate(((p, r) for p in pictures for r in p.regions), start=1)
    ]


def refer_instances(subtype: str, pictures: Sequence[SpokenPicture]) -> Json:
    """`instances.json`: the pictures and the boxes that the references name."""
    regions = [(picture.id, region) for picture in pictures for region in picture.regions]
    annotations = [
        {"id": number, "image_id": image, "bbox": xywh(region.box_px)}
        for number, (image, region) in enumerate(regions, start=1)
    ]
    return {"images": coco_images(subtype, pictures), "annotations": annotations}


def xywh(box_px: BoxPx) -> list[float]:
    x1, y1, x2, y2 = box_px
    return [round(value, 2) for value in (x1, y1, x2 - x1, y2 - y1)]
