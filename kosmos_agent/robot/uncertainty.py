"""How far off a located thing may be: its covariance, from what the picture itself tells.

The shares below were set so that about nine in ten errors in rendered scenes with sensor noise and sloppy boxes lie
inside the 90 % ellipsoid (`benchmarks/location_accuracy.py` prints it).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.robot import frames
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.footprint import Footprint
from kosmos_agent.robot.segment import Thing

Floats = NDArray[np.float64]

GRID_CELLS = 32
WHOLE_BOX_SHARE = 0.15
FAR_SIDE_SHARE = 0.08
HIDDEN_SHARE = 0.7
HEIGHT_SHARE = 0.04
FLOOR_M = 0.001


def position_covariance_m2(
    thing: Thing, shape: Footprint, camera: Camera, T_base_camera: Floats, noise_m: float
) -> Floats:
    """(3, 3) in the base frame, of a target's position.

    Depth: the noise of single readings, and their spread over their number. Box: its edges are known to one cell of
    the 32 x 32 grid; where the thing stood free they only chose it and matter little, where the box cut it they
    matter fully. Shape: the far side that nothing tells of, parts behind other things, and the top.
    """
    rotation = T_base_camera[:3, :3]
    depths = frames.apply(frames.inverse(T_base_camera), thing.points_m)[:, 2]
    depth = (FLOOR_M + noise_m) ** 2 + float(np.var(depths)) / len(depths)
    cells_m = np.array([camera.width / camera.fx, camera.height / camera.fy]) * float(np.median(depths)) / GRID_CELLS
    # Two edges, each uniform over a cell; the middle lies halfway between them.
    u, v = (1.0 if thing.cut else WHOLE_BOX_SHARE) ** 2 * cells_m**2 / 12 / 2
    sideways = (HIDDEN_SHARE * thing.hidden_share * shape.extent_m[0]) ** 2
    if not shape.is_round:
        sideways += (FAR_SIDE_SHARE * min(thing.top_m, shape.extent_m[1])) ** 2
    upwards = (HEIGHT_SHARE * thing.top_m) ** 2
    return np.asarray(
        rotation @ np.diag([u, v, 0.0]) @ rotation.T + depth * np.eye(3) + np.diag([sideways, sideways, upwards])
    )
