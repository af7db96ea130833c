"""An endless stream of labelled pictures: record `index` of `seed` is always the same one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain, groupby
from itertools import count as count_from

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_sim.background_arm import add_background_arm
from kosmos_sim.labels import Shot, describe
from kosmos_sim.records import SceneRecord
from kosmos_sim.render import Renderer, camera_pose, intrinsics
from kosmos_sim.scene import CAMERA, Scene, compile_scene
from kosmos_sim.seeds import Purpose, generator
from kosmos_sim.splits import Split
from kosmos_sim.staging import Staging, stage
from kosmos_sim.variety import HELD_OUT, TRAINED, Variety

GENERATOR_VERSION = 2
"""Must go up with any change of a pixel or a label, so that no cache mixes two kinds of pictures."""
PICTURES_PER_MODEL = 50
"""A compiled model and its GL context cost about 0.2 s: as much as ten pictures."""
_HELD_OUT_PICTURES_PER_MODEL = 5
"""Few pictures that take long anyway: they show many shapes instead."""
INSTANCE_SIDE = 112
_MIN_GAIN, _MAX_GAIN = 0.75, 1.3
_BRIGHT_SHARE, _BRIGHT_LEVEL = 0.97, 250.0


@dataclass(frozen=True)
class _Options:
    size: int
    with_depth: bool
    supersampling: float
    mount: str | None
    arm_share: float
    variety: Variety = TRAINED
    pictures_per_model: int = PICTURES_PER_MODEL


@dataclass(frozen=True)
class StagedRecord:
    """A record with the scene it was drawn from, as staged for it: the next one overwrites that scene."""

    scene: Scene
    staging: Staging
    record: SceneRecord


def scene_records(
    seed: int,
    count: int | None = None,
    *,
    size: int = 224,
    with_depth: bool = False,
    supersampling: float = 1.5,
    mount: str | None = None,
    arm_share: float = 0.25,
) -> Iterator[SceneRecord]:
    """Records 0, 1, 2, ... of a seed, `count` of them or without end.

    size: side of the square picture, pixels. mount: only this camera of `cameras.MOUNTS`.
    arm_share: part of the pictures with a robot arm in the background.
    The same arguments give the same bytes on one machine, whatever `count` is; the GL driver may round otherwise
    on another one.
    """
    options = _Options(size, with_depth, supersampling, mount, arm_share)
    indices = count_from() if count is None else range(count)
    return (staged.record for staged in _staged_records(seed, indices, options))


def split_records(split: Split, count: int | None = None) -> Iterator[SceneRecord]:
    """The scenes of a fixed split, or the first `count` of them."""
    return (staged.record for staged in staged_split(split, count))


def staged_split(split: Split, count: int | None = None, size: int = 224) -> Iterator[StagedRecord]:
    """The scenes of a fixed split, each as it is staged, for a second renderer to draw. size: side in pixels."""
    options = _Options(size, False, 1.5, None, 0.25)
    if split.held_out_variety:
        options = replace(options, variety=HELD_OUT, pictures_per_model=_HELD_OUT_PICTURES_PER_MODEL)
    indices = range(split.scenes if count is None else min(count, split.scenes))
    return _staged_records(split.seed, indices, options)


def scene_record(
    seed: int,
    index: int,
    *,
    size: int = 224,
    with_depth: bool = False,
    supersampling: float = 1.5,
    mount: str | None = None,
    arm_share: float = 0.25,
) -> SceneRecord:
    """Record `index` of `scene_records` with the same arguments, without those before it."""
    options = _Options(size, with_depth, supersampling, mount, arm_share)
    return next(_staged_records(seed, [index], options)).record


def _staged_records(seed: int, indices: Iterable[int], options: _Options) -> Iterator[StagedRecord]:
    for _, group in groupby(indices, key=lambda index: index // options.pictures_per_model):
        yield from _records_of_one_model(seed, group, options)


def _records_of_one_model(seed: int, indices: Iterable[int], options: _Options) -> Iterator[StagedRecord]:
    """indices: rising, all of one run of `options.pictures_per_model`."""
    ahead = iter(indices)
    first = next(ahead)
    rng = generator(Purpose.MODEL, seed, first // options.pictures_per_model)
    extras = add_background_arm if rng.random() < options.arm_share else None
    scene = compile_scene(rng, round(options.size * options.supersampling), extras, options.variety)
    with Renderer(scene.model, options.size, options.size, options.supersampling) as renderer:
        for index in chain([first], ahead):
            picture_rng = generator(Purpose.PICTURE, seed, *divmod(index, options.pictures_per_model))
            staging = stage(scene, picture_rng, options.mount)
            record = _record(scene, renderer, staging, (seed, index), options.with_depth)
            yield StagedRecord(scene, staging, record)


def _record(
    scene: Scene, renderer: Renderer, staging: Staging, identity: tuple[int, int], with_depth: bool
) -> SceneRecord:
    renderer.update(scene.data, CAMERA)
    rgb = expose(renderer.rgb(staging.shadow), staging.brightness, staging.white_balance)
    layers = renderer.layers()
    K = intrinsics(staging.view.fovy_deg, renderer.width, renderer.height)
    T_table_camera = camera_pose(scene.model, scene.data, CAMERA)
    shot = Shot(staging.placements, layers, renderer, scene.model.ngeom, scene.extra_geoms, K, T_table_camera)
    objects, instances = describe(shot)
    return SceneRecord(
        seed=identity[0],
        index=identity[1],
        rgb=rgb,
        instances=shrink_instances(instances),
        objects=objects,
        intrinsics=K,
        T_table_camera=T_table_camera,
        depth_m=layers.depth_m if with_depth else None,
    )


def expose(rgb: NDArray[np.uint8], brightness: float, white_balance: NDArray[np.float64]) -> NDArray[np.uint8]:
    """What a camera's automatic exposure does: moves the mean grey level towards `brightness`, within limits.

    It does not wash out what is bright already: a red plate would turn pink.
    """
    bright = float(np.quantile(rgb[::4, ::4].max(axis=2), _BRIGHT_SHARE))
    limit = min(_MAX_GAIN, max(1.0, _BRIGHT_LEVEL / max(1.0, bright)))
    gain = np.clip(brightness / max(1.0, float(rgb.mean())), _MIN_GAIN, limit)
    table = np.clip(np.arange(256)[:, None] * gain * white_balance, 0, 255).astype(np.uint8)
    exposed: NDArray[np.uint8] = cv2.LUT(rgb, table[None])
    return exposed


def shrink_instances(instances: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Down to about `INSTANCE_SIDE`: the largest value of each block wins.

    Values grow as objects get smaller, so a thin thing covers its neighbours instead of vanishing.
    """
    height, width = instances.shape
    block = max(1, height // INSTANCE_SIDE)
    rows, columns = height // block, width // block
    blocks = instances[: rows * block, : columns * block].reshape(rows, block, columns, block)
    shrunk: NDArray[np.uint8] = blocks.max(axis=(1, 3))
    return shrunk
