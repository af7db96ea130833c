"""What a perfect grounding would answer: the true box of the visible pixels, for oracles and tests."""

from __future__ import annotations

import numpy as np

from kosmos_agent.errors import NoTargetError
from kosmos_agent.results import Box, Candidate, Frame, Grounding, Target3D
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.locate import locate
from kosmos_sim.labels import tight_box
from kosmos_sim.world import Observation, Tabletop

MIN_PIXELS = 12


def true_box(world: Tabletop, name: str, observation: Observation) -> Box:
    """Around the pixels of a thing that show; NoTargetError where next to nothing of it does."""
    height, width = observation.depth_m.shape
    owners = world.owners(observation.camera, width, height)
    mask = owners == name
    if np.count_nonzero(mask) < MIN_PIXELS:
        raise NoTargetError(f"{name} does not show in the {observation.camera} camera")
    return Box.from_pixels(tight_box(mask), width, height)


def true_grounding(world: Tabletop, observation: Observation) -> Grounding:
    """The target's true box as an answer, certain of itself."""
    height, width = observation.depth_m.shape
    frame = Frame(width=width, height=height, stamp_ns=observation.stamp_ns)
    return Grounding(
        phrase=f"the {world.target.colour} {world.target.category}",
        status="found",
        candidates=(Candidate(box=true_box(world, world.target.name, observation), probability=1.0),),
        presence=1.0,
        frame=frame,
        model="truth",
        timings_ms={},
    )


def sighted_target(world: Tabletop, camera: str = "front") -> Target3D:
    """True box, measured depth: what is left of the closed loop when grounding is perfect."""
    seen = world.observe(camera)
    height, width = seen.depth_m.shape
    lens = Camera.from_matrix(seen.intrinsics, width, height)
    return locate(true_grounding(world, seen), seen.depth_m, lens, seen.T_base_camera)
