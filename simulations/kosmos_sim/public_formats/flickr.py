"""Captions with linked phrases: the files of Flickr30k Entities, and MDETR's JSON of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.sax.saxutils import escape

from kosmos_sim.public_formats.referring import xywh
from kosmos_sim.public_formats.spoken import CaptionPart, SpokenPicture

Json = dict[str, Any]


def sentence(picture: SpokenPicture) -> str:
    """`Sentences/ID.txt`: `An image of [/EN#7/cup a red cup] ...`; a phrase's type is its category."""
    parts = []
    for number, part in enumerate(picture.caption):
        gap = " " if part.words.startswith(" ") else ""
        words = part.words.strip()
        parts.append(
            f"{gap}[/EN#{phrase_number(picture, number)}/{part.category} {words}]" if part.boxes_px else part.words
        )
    return "".join(parts).strip()


def annotation(picture: SpokenPicture) -> str:
    """`Annotations/ID.xml`: a box for each thing of each phrase, whole pixels."""
    width, height = picture.size
    objects = "".join(
        f"<object><name>{phrase_number(picture, number)}</name><bndbox>{_corners(box)}</bndbox></object>\n"
        for number, part in enumerate(picture.caption)
        for box in part.boxes_px
    )
    name = escape(f"{picture.id}.jpg")
    size = f"<size><width>{width}</width><height>{height}</height><depth>3</depth></size>"
    return f"<annotation>\n<filename>{name}</filename>\n{size}\n{objects}</annotation>\n"


def mdetr_flickr(pictures: Sequence[SpokenPicture]) -> Json:
    """`final_flickr_separateGT_*.json`: the same phrases as character spans; boxes as the XML has them."""
    images: list[Json] = []
    annotations: list[Json] = []
    for picture in pictures:
        caption, spans = _spans(picture.caption)
        width, height = picture.size
        linked = [(span, part) for span, part in zip(spans, picture.caption, strict=True) if part.boxes_px]
        images.append(
            {
                "id": picture.id,
                "file_name": f"{picture.id}.jpg",
                "width": width,
                "height": height,
                "original_img_id": picture.id,
                "sentence_id": 0,
                "caption": caption,
                "tokens_positive_eval": [[span] for span, _ in linked],
            }
        )
        for span, part in linked:
            for box_px in part.boxes_px:
                corners = [round(value) for value in box_px]
                bbox = xywh((corners[0], corners[1], corners[2], corners[3]))
                number = len(annotations) + 1
                annotations.append({"id": number, "image_id": picture.id, "bbox": bbox, "tokens_positive": [span]})
    return {"images": images, "annotations": annotations}


def phrase_number(picture: SpokenPicture, part: int) -> int:
    return picture.id * 100 + part


def _spans(parts: Sequence[CaptionPart]) -> tuple[str, list[list[int]]]:
    """The caption, and where each part's words stand in it, spaces around them not counted."""
    text, spans = "", []
    for part in parts:
        words = part.words if text else part.words.lstrip()
        start = len(text) + len(words) - len(words.lstrip())
        spans.append([start, start + len(words.strip())])
        text += words
    return text, spans


def _corners(box_px: tuple[float, float, float, float]) -> str:
    return "".join(
        f"<{side}>{round(value)}</{side}>" for side, value in zip(("xmin", "ymin", "xmax", "ymax"), box_px, strict=True)
    )
