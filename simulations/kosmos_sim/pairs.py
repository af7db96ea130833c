"""Image-caption pairs as img2dataset leaves them: `python -m kosmos_sim.pairs --count 2000 --out pairs`.

Folders (or, with --tar, tar files) of KEY.jpg, KEY.txt and KEY.json; the JSON also holds the true boxes of the
caption's phrases, which nothing but an evaluation may look at. Scenes are of the training split alone.
"""

from __future__ import annotations

import json
import shutil
import tarfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Annotated, Any

import typer
from PIL import Image
from rich.console import Console
from rich.progress import track

from kosmos_agent.errors import InvalidArgumentError
from kosmos_sim.cache import shard_seed
from kosmos_sim.expressions.geometry import measure
from kosmos_sim.pair_captions import PairCaption, pair_caption
from kosmos_sim.records import SceneRecord
from kosmos_sim.seeds import Purpose, generator
from kosmos_sim.splits import split_of, train_seed
from kosmos_sim.stream import scene_records

TRAINING_SET = 1_000
"""Number of the training set: not one that the embedded model has been trained on."""
_QUALITY = 92


def write_shard(folder: Path, number: int, count: int, training_set: int, size: int, *, tar: bool) -> Path:
    """Shard `number`, of `count` pairs, unless it is there already; it appears whole or not at all."""
    target = folder / (f"{number:05d}.tar" if tar else f"{number:05d}")
    if target.exists():
        return target
    half_made = folder / f".{number:05d}.part"
    shutil.rmtree(half_made, ignore_errors=True)
    half_made.mkdir(parents=True)
    for place, (record, caption) in enumerate(_captioned(number, count, training_set, size)):
        _write_pair(half_made / f"{number:05d}{place:04d}", record, caption)
    if tar:
        packed = folder / f".{number:05d}.tar.part"
        _pack(half_made, packed)
        shutil.rmtree(half_made)
        packed.rename(target)
    else:
        half_made.rename(target)
    return target


def _captioned(number: int, count: int, training_set: int, size: int) -> Iterator[tuple[SceneRecord, PairCaption]]:
    """The first `count` scenes of the shard's own seed of which something can be said."""
    made = 0
    for record in scene_records(shard_seed(train_seed(training_set), number), size=size):
        if split_of(record) != "train":
            raise InvalidArgumentError(f"training set {training_set} meets the {split_of(record)} split; name another")
        rng = Random(int(generator(Purpose.LABEL, 0, record.seed, record.index).integers(2**63)))
        caption = pair_caption(measure(record.objects, record.T_table_camera), rng)
        if caption is None:
            continue
        yield record, caption
        made += 1
        if made == count:
            return


def _write_pair(stem: Path, record: SceneRecord, caption: PairCaption) -> None:
    Image.fromarray(record.rgb).save(stem.with_suffix(".jpg"), quality=_QUALITY)
    stem.with_suffix(".txt").write_text(caption.text, encoding="utf-8")
    stem.with_suffix(".json").write_text(json.dumps(_facts(stem.name, record, caption)), encoding="utf-8")


def _facts(key: str, record: SceneRecord, caption: PairCaption) -> dict[str, Any]:
    height, width = record.rgb.shape[:2]
    spans = [{"start": span.start, "end": span.end, "boxes": span.boxes} for span in caption.spans]
    scene = {"seed": record.seed, "index": record.index}
    return {"key": key, "caption": caption.text, "width": width, "height": height, "scene": scene, "true_spans": spans}


def _pack(folder: Path, tar: Path) -> None:
    with tarfile.open(tar, "w:") as file:
        for path in sorted(folder.iterdir()):
            file.add(path, arcname=path.name)


def main(
    out: Annotated[Path, typer.Option(help="folder for the shards")],
    count: Annotated[int, typer.Option(min=1, help="pairs")] = 2_000,
    shard: Annotated[int, typer.Option(min=1, max=10_000, help="pairs in a shard")] = 250,
    size: Annotated[int, typer.Option(min=64, max=1_024, help="side of the pictures, pixels")] = 224,
    training_set: Annotated[int, typer.Option(min=0, help="number of the training set")] = TRAINING_SET,
    tar: Annotated[bool, typer.Option("--tar", help="tar files in place of folders")] = False,
) -> None:
    """Render pairs. Stopped and called again, it goes on with the next shard."""
    numbers = track(range(-(-count // shard)), "pairs, by shard", console=Console(stderr=True))
    for number in numbers:
        write_shard(out, number, min(shard, count - number * shard), training_set, size, tar=tar)


if __name__ == "__main__":
    typer.run(main)
