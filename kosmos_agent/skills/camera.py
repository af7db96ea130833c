"""What a camera promises to whoever looks through it: the newest picture, when it was taken, and how old it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.robot.camera import Camera


@dataclass(frozen=True, eq=False)
class DepthShot:
    """Depth taken with a picture.

    depth_m: (H, W) metres along the optical axis, registered to the picture; `camera` is that of the depth picture.
    T_base_camera: optical frame to `frame_id` (z up).
    """

    depth_m: NDArray[np.floating]
    camera: Camera
    T_base_camera: NDArray[np.floating]
    frame_id: str = "base"


@dataclass(frozen=True, eq=False)
class Shot:
    """One picture.

    rgb: (H, W, 3) uint8, never written to again; the same array means the same picture. stamp_ns: when it was taken,
    on the camera's own clock; None where nobody knows. age_s: how long before it was handed out. frame_id: the optical
    frame.
    """

    rgb: NDArray[np.uint8]
    stamp_ns: int | None
    age_s: float
    frame_id: str = "camera_optical_frame"
    depth: DepthShot | None = None


@runtime_checkable
class CameraSource(Protocol):
    """Thread-safe. `live`: its pictures go stale; one of a photograph is as old as it is, for ever."""

    @property
    def name(self) -> str: ...

    @property
    def live(self) -> bool: ...

    def newest(self, after_ns: int | None = None, timeout_s: float = 5.0) -> Shot:
        """The newest picture; with `after_ns` one that was stamped later, which a live camera waits for.

        NoImageError: there is none, or no newer one in time. A source that is not live gives what it has.
        """
        ...

    def close(self) -> None: ...
