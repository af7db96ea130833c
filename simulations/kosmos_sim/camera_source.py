"""A camera of the simulated table behind `kosmos_agent.skills.CameraSource`: what it sees is all that it tells."""

from __future__ import annotations

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.robot.camera import Camera
from kosmos_agent.skills.camera import DepthShot, Shot
from kosmos_sim.world import Tabletop

BETWEEN_LOOKS_S = 0.1
"""Simulated, so that each look has depth noise of its own."""


class SimCamera:
    """Implements `CameraSource`. Time stands still unless a newer picture is asked for, and then the table's clock is
    moved on by the calling thread, which must be the one that moves the arm."""

    def __init__(self, world: Tabletop, camera: str = "front", width: int = 640, height: int = 480) -> None:
        if camera not in world.cameras:
            raise InvalidArgumentError(f"unknown camera {camera!r}; valid: {', '.join(world.cameras)}")
        self._world, self._camera, self._size = world, camera, (width, height)

    @property
    def name(self) -> str:
        return f"the simulated {self._camera} camera"

    @property
    def live(self) -> bool:
        return True

    def newest(self, after_ns: int | None = None, timeout_s: float = 5.0) -> Shot:
        """See `CameraSource.newest`; its pictures are never late."""
        if after_ns is not None and self._world.stamp_ns <= after_ns:
            self._world.driver.hold(BETWEEN_LOOKS_S)
        width, height = self._size
        seen = self._world.observe(self._camera, width, height)
        lens = Camera.from_matrix(seen.intrinsics, width, height)
        depth = DepthShot(seen.depth_m, lens, seen.T_base_camera)
        return Shot(seen.rgb, seen.stamp_ns, 0.0, f"{self._camera}_optical_frame", depth)

    def close(self) -> None:
        """Frees what was opened for drawing on the calling thread."""
        self._world.close()
