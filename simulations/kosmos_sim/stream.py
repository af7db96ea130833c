"""An endless stream of labelled pictures: record `index` of `seed` is always the same one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count as count_from

import cv2
import numpy as np
from numpy.typing import NDArray

from kosmos_sim.background_arm import add_background_arm
from kosmos_sim.labels import Shot, describe
from kosmos_sim.records import SceneRecord
from kosmos_sim.render import Renderer, camera_pose, intrinsics
from kosmos_sim.scene import CAMERA, Scene, compile_scene
from kosmos_sim.staging import Staging, stage

PICTURES_PER_MODEL = 50
"""A compiled model and its GL context cost about 0.2 s: as much as ten pictures."""
INSTANCE_SIDE = 112
_MIN_GAIN, _MAX_GAIN = 0.7, 1.7


def scene_records(
    seed: int,
    count: int | None = None,
    *,
    size: int = 224,
    with_depth: bool = False,
    supersampling: float = 1.0,
    mount: str | None = None,
    arm_share: float = 0.25,
) -> Iterator[SceneRecord]:
    """Records 0, 1, 2, ... of a seed, `count` of them or without end.

    size: side of the square picture, pixels. mount: only this camera of `cameras.MOUNTS`.
    arm_share: part of the pictures with a robot arm in the background.
    The same arguments give the same bytes on one machine, whatever `count` is; the GL driver may round otherwise
    on another one.
    """
    made = 0
    for model_index in count_from():
        model_rng = np.random.default_rng([seed, model_index])
        extras = add_background_arm if model_rng.random() < arm_share else None
        scene = compile_scene(model_rng, round(size * supersampling), extras)
        with Renderer(scene.model, size, size, supersampling) as renderer:
            for picture in range(PICTURES_PER_MODEL):
                if count is not None and made >= count:
                    return
                rng = np.random.default_rng([seed, model_index, picture])
                yield _record(scene, renderer, stage(scene, rng, mount), (seed, made), with_depth)
                made += 1


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
    """What a camera's automatic exposure does: moves the mean grey level towards `brightness`, within limits."""
    gain = np.clip(brightness / max(1.0, float(rgb.mean())), _MIN_GAIN, _MAX_GAIN)
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
