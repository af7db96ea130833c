"""A shard: one folder of labelled pictures on disk, written whole or not at all, read through a memory map."""

from __future__ import annotations

import json
import mmap
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError, InvalidImageError
from kosmos_sim.records import SceneObject, SceneRecord

JPEG_QUALITY = 93
_PICTURES, _LABELS, _INSTANCES, _OFFSETS = "pictures.bin", "labels.bin", "instances.npy", "offsets.npy"


def write_shard(folder: Path, records: Iterable[SceneRecord]) -> None:
    """Writes beside `folder` and renames at the end; a finished shard that is already there stays."""
    partial = folder.with_name(f"{folder.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    offsets, maps = [(0, 0)], []
    with (partial / _PICTURES).open("wb") as pictures, (partial / _LABELS).open("wb") as labels:
        for record in records:
            pictures.write(_jpeg(record.rgb))
            labels.write(json.dumps(_labels(record), separators=(",", ":")).encode())
            offsets.append((pictures.tell(), labels.tell()))
            maps.append(record.instances)
    np.save(partial / _OFFSETS, np.array(offsets, dtype=np.int64), allow_pickle=False)
    np.save(partial / _INSTANCES, np.stack(maps), allow_pickle=False)
    try:
        partial.rename(folder)
    except OSError:  # another process finished the same shard first
        if not folder.is_dir():
            raise
        shutil.rmtree(partial)


def _jpeg(rgb: NDArray[np.uint8]) -> bytes:
    done, data = cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
    if not done:
        raise InvalidArgumentError(f"a picture of shape {rgb.shape} cannot be written as JPEG")
    return bytes(data)


def _labels(record: SceneRecord) -> dict[str, Any]:
    return {
        "seed": record.seed,
        "index": record.index,
        "intrinsics": record.intrinsics.tolist(),
        "T_table_camera": record.T_table_camera.tolist(),
        "objects": [asdict(thing) for thing in record.objects],
    }


class Shard:
    """A finished shard. Holds two memory maps and an offset table; pictures are decoded when asked for."""

    def __init__(self, folder: Path) -> None:
        self._offsets = np.load(folder / _OFFSETS, allow_pickle=False)
        self._instances = np.load(folder / _INSTANCES, mmap_mode="r", allow_pickle=False)
        self._pictures = _map(folder / _PICTURES)
        self._labels = _map(folder / _LABELS)

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> SceneRecord:
        (picture_start, label_start), (picture_end, label_end) = self._offsets[index : index + 2].tolist()
        data = np.frombuffer(self._pictures[picture_start:picture_end], np.uint8)
        labels = json.loads(self._labels[label_start:label_end])
        return SceneRecord(
            seed=labels["seed"],
            index=labels["index"],
            rgb=_decode(data),
            instances=np.array(self._instances[index]),
            objects=tuple(_object(thing) for thing in labels["objects"]),
            intrinsics=np.array(labels["intrinsics"]),
            T_table_camera=np.array(labels["T_table_camera"]),
        )


def _decode(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    bgr = cv2.imdecode(data, cv2.IMREAD_COLOR)
    if bgr is None:
        raise InvalidImageError("a picture of the cache is not a readable JPEG; delete its shard and render it again")
    rgb: NDArray[np.uint8] = np.ascontiguousarray(bgr[..., ::-1], dtype=np.uint8)
    return rgb


def _map(path: Path) -> mmap.mmap:
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)


def _object(fields: dict[str, Any]) -> SceneObject:
    plain: dict[str, Any] = {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
    return SceneObject(**plain)
