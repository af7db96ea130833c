"""Rendered pictures as a labelling tool would export them: `python -m kosmos_sim.box_sets --format coco --out boxes`.

Categories may be called by another name (`--call "donut=grommet"`), so that a model meets a word that it never learnt.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer
from PIL import Image
from rich.console import Console
from rich.progress import track

from kosmos_agent.errors import InvalidArgumentError
from kosmos_sim.lexicon import CATEGORIES
from kosmos_sim.records import SceneRecord
from kosmos_sim.splits import split_of, train_seed
from kosmos_sim.stream import scene_records

TRAINING_SET = 1_001
"""Number of the training set: not one that the embedded model has been trained on."""
_MIN_SIDE = 0.06
"""Things that look smaller than this, as a share of the picture, are not labelled by people either."""
_QUALITY = 92

Labelled = Sequence[tuple[str, tuple[float, float, float, float]]]
"""Name, x1, y1, x2, y2 in pixels."""
Write = Callable[[Path, Sequence[tuple[str, tuple[int, int], Labelled]], Sequence[str]], None]
"""Folder, (file name, size, boxes) of each picture, names of the classes."""


def with_any(records: Iterator[SceneRecord], wanted: Sequence[str]) -> Iterator[SceneRecord]:
    """Of the training scenes, those with something of a wanted category; all of them for no wish."""
    for record in records:
        if split_of(record) == "train" and (not wanted or {thing.category for thing in record.objects} & set(wanted)):
            yield record


def labelled(record: SceneRecord, names: Mapping[str, str]) -> Labelled:
    height, width = record.rgb.shape[:2]
    return [
        (names[thing.category], (x1 * width, y1 * height, x2 * width, y2 * height))
        for thing in record.objects
        for x1, y1, x2, y2 in [thing.box]
        if thing.category in names and ((x2 - x1) * (y2 - y1)) ** 0.5 >= _MIN_SIDE
    ]


def write_coco(folder: Path, pictures: Sequence[tuple[str, tuple[int, int], Labelled]], names: Sequence[str]) -> None:
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, (file, (width, height), boxes) in enumerate(pictures, start=1):
        images.append({"id": number, "file_name": file, "width": width, "height": height})
        for name, (x1, y1, x2, y2) in boxes:
            size = [x2 - x1, y2 - y1]
            box = {"bbox": [x1, y1, *size], "area": size[0] * size[1], "iscrowd": 0}
            place = {"id": len(annotations) + 1, "image_id": number, "category_id": names.index(name)}
            annotations.append({**place, **box})
    categories = [{"id": number, "name": name} for number, name in enumerate(names)]
    whole = {"images": images, "annotations": annotations, "categories": categories}
    (folder / "annotations.json").write_text(json.dumps(whole))


def write_labelme(folder: Path, pictures: Sequence[tuple[str, tuple[int, int], Labelled]], _: Sequence[str]) -> None:
    for file, (width, height), boxes in pictures:
        shapes = [
            {"label": name, "points": [[x1, y1], [x2, y2]], "shape_type": "rectangle"}
            for name, (x1, y1, x2, y2) in boxes
        ]
        facts = {"imagePath": f"../images/{file}", "imageWidth": width, "imageHeight": height, "shapes": shapes}
        _into(folder / "labels" / f"{Path(file).stem}.json", json.dumps(facts))


def write_yolo(folder: Path, pictures: Sequence[tuple[str, tuple[int, int], Labelled]], names: Sequence[str]) -> None:
    (folder / "data.yaml").write_text(f"path: .\ntrain: images\nval: images\nnames: {json.dumps(list(names))}\n")
    for file, (width, height), boxes in pictures:
        lines = []
        for name, (x1, y1, x2, y2) in boxes:
            middle = f"{(x1 + x2) / 2 / width:.6f} {(y1 + y2) / 2 / height:.6f}"
            lines.append(f"{names.index(name)} {middle} {(x2 - x1) / width:.6f} {(y2 - y1) / height:.6f}\n")
        _into(folder / "labels" / f"{Path(file).stem}.txt", "".join(lines))


FORMATS: dict[str, Write] = {"coco": write_coco, "labelme": write_labelme, "yolo": write_yolo}


def _into(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def called(changes: Sequence[str]) -> dict[str, str]:
    """`donut=grommet` for each category that is labelled; without changes all of them under their own names."""
    names = dict(change.split("=", 1) for change in changes if "=" in change)
    unknown = [change for change in changes if change.partition("=")[0] not in CATEGORIES or "=" not in change]
    if unknown:
        raise InvalidArgumentError(f"{unknown[0]!r}; valid: CATEGORY=NAME, with one of {', '.join(CATEGORIES)}")
    return names or {name: name for name in CATEGORIES}


def main(
    out: Annotated[Path, typer.Option(help="a new folder")],
    form: Annotated[str, typer.Option("--format", help=", ".join(FORMATS))] = "coco",
    count: Annotated[int, typer.Option(min=1, help="pictures")] = 80,
    call: Annotated[list[str] | None, typer.Option(help="label only these: CATEGORY=NAME, repeatable")] = None,
    size: Annotated[int, typer.Option(min=64, max=1_024, help="side of the pictures, pixels")] = 224,
    training_set: Annotated[int, typer.Option(min=0, help="number of the training set")] = TRAINING_SET,
) -> None:
    """Render pictures and write their labels."""
    if form not in FORMATS:
        raise typer.BadParameter(f"{form!r}; valid: {', '.join(FORMATS)}")
    names = called(call or ())
    (out / "images").mkdir(parents=True)
    records = with_any(scene_records(train_seed(training_set), size=size), list(names) if call else [])
    pictures = []
    for number in track(range(count), "pictures", console=Console(stderr=True)):
        record, file = next(records), f"{number:05d}.jpg"
        Image.fromarray(record.rgb).save(out / "images" / file, quality=_QUALITY)
        pictures.append((file, (record.rgb.shape[1], record.rgb.shape[0]), labelled(record, names)))
    FORMATS[form](out, pictures, sorted(set(names.values())))


if __name__ == "__main__":
    typer.run(main)
