"""Draws a compiled model: colour, metric depth and geom ids, and how much of a thing there is behind the others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import mujoco
import numpy as np
from numpy.typing import NDArray

from kosmos_sim.gl import open_context

_FLAG = mujoco.mjtRndFlag
_GEOM_OBJECT = int(mujoco.mjtObj.mjOBJ_GEOM)
_MAX_GEOMS = 2000


@dataclass(frozen=True)
class Layers:
    """depth_m: (H, W) float32 along the optical axis. geoms: (H, W) int32 geom ids, -1 where there is none."""

    depth_m: NDArray[np.float32]
    geoms: NDArray[np.int32]


def intrinsics(fovy_deg: float, width: int, height: int) -> NDArray[np.float64]:
    """(3, 3) for pixel centres at +0.5: square pixels, principal point in the middle."""
    focal = height / 2 / np.tan(np.deg2rad(fovy_deg) / 2)
    return np.array([[focal, 0, width / 2], [0, focal, height / 2], [0, 0, 1]])


def camera_pose(model: mujoco.MjModel, data: mujoco.MjData, camera: str) -> NDArray[np.float64]:
    """(4, 4) T_world_camera of the optical frame: x right, y down, z forward."""
    index = model.camera(camera).id
    pose = np.eye(4)
    pose[:3, :3] = data.cam_xmat[index].reshape(3, 3) * (1.0, -1.0, -1.0)
    pose[:3, 3] = data.cam_xpos[index]
    return pose


class Renderer:
    """One model, one OpenGL context, any number of cameras. Not for use from several threads.

    width, height: pixels of the pictures. supersampling: colour is drawn that many times larger and averaged,
    which is cheaper than multisampling and smoother.
    The model's off-screen buffer must hold width * supersampling pixels (`visual.global_.offwidth`).
    """

    def __init__(self, model: mujoco.MjModel, width: int, height: int, supersampling: float = 1.5) -> None:
        self.width, self.height, self.supersampling = width, height, supersampling
        self._model = model
        wide, high = round(width * supersampling), round(height * supersampling)
        self._context = open_context(wide, high)
        self._scene = mujoco.MjvScene(model, _MAX_GEOMS)
        self._options = mujoco.MjvOption()
        self._camera = mujoco.MjvCamera()
        self._camera.type = mujoco.mjtCamera.mjCAMERA_FIXED
        self._render = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_50)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._render)
        self._render.readDepthMap = mujoco.mjtDepthMap.mjDEPTH_ZEROFAR
        self._area = mujoco.MjrRect(0, 0, width, height)
        self._large_area = mujoco.MjrRect(0, 0, wide, high)
        self._large = np.empty((high, wide, 3), np.uint8)
        self._codes = np.empty((height, width, 3), np.uint8)
        self._depth = np.empty((height, width), np.float32)

    def close(self) -> None:
        self._context.make_current()  # MjrContext frees buffers by number, in whichever context is current
        self._render.free()
        self._context.free()

    def __enter__(self) -> Renderer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def update(self, data: mujoco.MjData, camera: str) -> None:
        """Takes over the poses of `data` as the named camera sees them; call before any drawing."""
        self._context.make_current()
        self._camera.fixedcamid = self._model.camera(camera).id
        everything = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(self._model, data, self._options, None, self._camera, everything, self._scene)

    def rgb(self, shadow: bool = True) -> NDArray[np.uint8]:
        """(H, W, 3), upright."""
        self._context.make_current()
        for flag, value in (
            (_FLAG.mjRND_SHADOW, shadow),
            (_FLAG.mjRND_REFLECTION, False),
            (_FLAG.mjRND_SEGMENT, False),
            (_FLAG.mjRND_IDCOLOR, False),
            (_FLAG.mjRND_HAZE, False),
        ):
            self._scene.flags[flag] = value
        mujoco.mjr_render(self._large_area, self._scene, self._render)
        mujoco.mjr_readPixels(self._large, None, self._large_area, self._render)
        upright = np.ascontiguousarray(self._large[::-1])
        if self.supersampling == 1:
            return upright
        shrunk: NDArray[np.uint8] = cv2.resize(upright, (self.width, self.height), interpolation=cv2.INTER_AREA)
        return shrunk

    def layers(self) -> Layers:
        """Depth and ids from one draw, so they agree pixel by pixel."""
        self._draw_ids()
        mujoco.mjr_readPixels(self._codes, self._depth, self._area, self._render)
        extent, planes = self._model.stat.extent, self._model.vis.map
        near, far = planes.znear * extent, planes.zfar * extent
        # The depth map is reversed (0 is far), which is what keeps it exact at a distance.
        depth = near * far / (near + self._depth[::-1] * (far - near))
        return Layers(depth.astype(np.float32), self._decode()[::-1])

    def _draw_ids(self) -> None:
        self._context.make_current()
        self._scene.flags[_FLAG.mjRND_SHADOW] = False
        self._scene.flags[_FLAG.mjRND_SEGMENT] = True
        self._scene.flags[_FLAG.mjRND_IDCOLOR] = True
        mujoco.mjr_render(self._area, self._scene, self._render)

    def _decode(self) -> NDArray[np.int32]:
        codes = self._codes.astype(np.int32)
        segment = codes[..., 0] + (codes[..., 1] << 8) + (codes[..., 2] << 16)
        table = np.full(self._scene.ngeom + 1, -1, np.int32)
        for index in range(self._scene.ngeom):
            geom = self._scene.geoms[index]
            if geom.segid >= 0 and geom.objtype == _GEOM_OBJECT:
                table[geom.segid + 1] = geom.objid
        ids: NDArray[np.int32] = table[segment]
        return ids

    def alone_pixels(self, geoms: Iterable[int]) -> int:
        """Pixels that these geoms cover with nothing in front of them; the picture's edge still cuts them off."""
        keep = {int(geom) for geom in geoms}
        shown = [self._scene.geoms[index] for index in range(self._scene.ngeom)]
        segments = [geom.segid for geom in shown]
        for geom in shown:
            if geom.objtype != _GEOM_OBJECT or geom.objid not in keep:
                geom.segid = -1
        self._draw_ids()
        mujoco.mjr_readPixels(self._codes, None, self._area, self._render)
        for geom, segment in zip(shown, segments, strict=True):
            geom.segid = segment
        codes = self._codes
        return int(np.count_nonzero(codes[..., 0] | codes[..., 1] | codes[..., 2]))
