"""The plain look: PyBullet's TinyRenderer on the exported triangles, one lamp with hard shadows, no OpenGL."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import cv2
import numpy as np
import pybullet
from numpy.typing import NDArray

from kosmos_sim.looks.export import ExportedScene, Role, Surface

SUPERSAMPLING = 2
_NEAR_M, _FAR_M = 0.02, 12.0
_EMPTY = 0.99999
"""Of the depth buffer, where nothing was drawn."""
_MAX_TEXTURE_PX = 2048
_TEXTURE_PX_PER_M = 512


class TinyRenderer:
    """Keeps one PyBullet server in this process; not for use from several threads."""

    def __init__(self) -> None:
        self._client = pybullet.connect(pybullet.DIRECT)

    @property
    def description(self) -> str:
        return f"pybullet {version('pybullet')} TinyRenderer, drawn {SUPERSAMPLING} times larger"

    def picture(self, scene: ExportedScene, rng: np.random.Generator) -> NDArray[np.uint8]:
        """(H, W, 3) RGB; the lamp and the size of the textures are drawn from `rng`."""
        self._load(scene, rng)
        side = scene.size_px * SUPERSAMPLING
        image = self._drawn(scene, side, _draw_lamp(rng))
        rgb = np.asarray(image[2], np.uint8).reshape(side, side, 4)[..., :3]
        nothing = np.asarray(image[3], np.float64).reshape(side, side, 1) >= _EMPTY
        backed = np.where(nothing, _backdrop(rng, side), rgb).astype(np.uint8)
        shrunk: NDArray[np.uint8] = cv2.resize(backed, [scene.size_px] * 2, interpolation=cv2.INTER_AREA)
        return shrunk

    def depth_m(self, scene: ExportedScene) -> NDArray[np.float64]:
        """(H, W) along the optical axis, at the pixels' centres: what the labels must agree with."""
        rng = np.random.default_rng(0)
        self._load(scene, rng)
        buffer = np.asarray(self._drawn(scene, scene.size_px, _draw_lamp(rng))[3], np.float64)
        depth: NDArray[np.float64] = _FAR_M * _NEAR_M / (_FAR_M - (_FAR_M - _NEAR_M) * buffer)
        return depth.reshape(scene.size_px, scene.size_px)

    def _load(self, scene: ExportedScene, rng: np.random.Generator) -> None:
        pybullet.resetSimulation(physicsClientId=self._client)
        scales: dict[bytes, float] = {}
        with TemporaryDirectory() as folder:
            for surface in scene.surfaces:
                if surface.texture is None:
                    self._add(surface, surface.uv_m)
                    continue
                scale_m = scales.setdefault(surface.texture.tobytes(), float(rng.uniform(0.35, 0.9)))
                self._add_textured(surface, surface.texture, scale_m, Path(folder))

    def _add(self, surface: Surface, uv: NDArray[np.float64]) -> int:
        corners = surface.corners_m.reshape(-1, 3)
        shape = pybullet.createVisualShape(
            pybullet.GEOM_MESH,
            vertices=corners.tolist(),
            indices=list(range(len(corners))),
            normals=surface.normals.reshape(-1, 3).tolist(),
            uvs=uv.reshape(-1, 2).tolist(),
            rgbaColor=[*surface.rgb, 1.0],
            specularColor=[0.6 * surface.shininess if surface.role is not Role.SURROUNDINGS else 0.0] * 3,
            physicsClientId=self._client,
        )
        return int(pybullet.createMultiBody(0, -1, shape, physicsClientId=self._client))

    def _add_textured(self, surface: Surface, pixels: NDArray[np.uint8], scale_m: float, folder: Path) -> None:
        """The renderer does not repeat a texture, so a sheet as large as the surface is laid out."""
        low, high = surface.uv_m.reshape(-1, 2).min(axis=0), surface.uv_m.reshape(-1, 2).max(axis=0)
        sheet = _sheet(pixels, (high - low) / scale_m, scale_m)
        path = folder / f"{surface.geom}.png"
        cv2.imwrite(str(path), sheet[..., ::-1])
        body = self._add(surface, (surface.uv_m - low) / (high - low))
        texture = pybullet.loadTexture(str(path), physicsClientId=self._client)
        pybullet.changeVisualShape(body, -1, textureUniqueId=texture, physicsClientId=self._client)

    def _drawn(self, scene: ExportedScene, size_px: int, lamp: dict[str, Any]) -> tuple[Any, ...]:
        pose = scene.T_table_camera
        eye, forward, down = pose[:3, 3], pose[:3, 2], pose[:3, 1]
        image: tuple[Any, ...] = pybullet.getCameraImage(
            size_px,
            size_px,
            pybullet.computeViewMatrix(eye.tolist(), (eye + forward).tolist(), (-down).tolist()),
            _projection(scene.fovy_deg, size_px),
            renderer=pybullet.ER_TINY_RENDERER,
            flags=pybullet.ER_NO_SEGMENTATION_MASK,
            physicsClientId=self._client,
            **lamp,
        )
        return image


def _projection(fovy_deg: float, size_px: int) -> Any:
    """The renderer samples pixels at their lower left corners: half a pixel's shift makes that their centres."""
    half_m = _NEAR_M * float(np.tan(np.deg2rad(fovy_deg) / 2))
    low, high = half_m / size_px - half_m, half_m / size_px + half_m
    return pybullet.computeProjectionMatrix(low, high, low, high, _NEAR_M, _FAR_M)


def _draw_lamp(rng: np.random.Generator) -> dict[str, Any]:
    azimuth, elevation = rng.uniform(-np.pi, np.pi), rng.uniform(0.7, 1.3)
    flat = np.cos(elevation)
    ambient = float(rng.uniform(0.5, 0.65))
    return {
        "lightDirection": [float(flat * np.cos(azimuth)), float(flat * np.sin(azimuth)), float(np.sin(elevation))],
        "lightColor": (1 + rng.uniform(-0.05, 0.05, 3)).tolist(),
        "lightDistance": 2.5,
        "shadow": int(rng.random() < 0.8),
        "lightAmbientCoeff": ambient,
        "lightDiffuseCoeff": 1.0 - ambient,
        "lightSpecularCoeff": float(rng.uniform(0.05, 0.3)),
    }


def _backdrop(rng: np.random.Generator, side_px: int) -> NDArray[np.float64]:
    """(side, 1, 3): what is behind everything, from one pale tone at the top to another below."""
    first, last = rng.uniform(140, 235, (2, 3))
    share = np.linspace(0, 1, side_px)[:, None, None]
    rows: NDArray[np.float64] = first + (last - first) * share
    return rows


def _sheet(texture: NDArray[np.uint8], repeats: NDArray[np.float64], scale_m: float) -> NDArray[np.uint8]:
    """The texture, repeated `repeats` times along u (columns) and v (rows)."""
    tile_px = max(32, round(scale_m * _TEXTURE_PX_PER_M))
    tile_px = min(tile_px, int(_MAX_TEXTURE_PX / max(repeats.max(), 1)))
    tile = cv2.resize(texture, (tile_px, tile_px), interpolation=cv2.INTER_AREA)
    columns, rows = np.maximum(np.round(repeats * tile_px).astype(int), 1)
    whole = np.tile(tile, (rows // tile_px + 1, columns // tile_px + 1, 1))
    cut: NDArray[np.uint8] = np.ascontiguousarray(whole[:rows, :columns])
    return cut
