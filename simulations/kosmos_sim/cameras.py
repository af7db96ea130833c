"""Where the camera stands: free views, and the mounts that a robot has."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class View:
    """eye_m and target_m: points of the table frame. roll_rad: about the line of sight. fovy_deg: vertical."""

    mount: str
    eye_m: Vector
    target_m: Vector
    roll_rad: float
    fovy_deg: float

    @cached_property
    def distance_m(self) -> float:
        return float(np.linalg.norm(self.eye_m - self.target_m))

    @cached_property
    def span_m(self) -> float:
        """Width of the picture at the target."""
        return 2 * self.distance_m * float(np.tan(np.deg2rad(self.fovy_deg) / 2))

    @cached_property
    def elevation_rad(self) -> float:
        return float(np.arcsin((self.eye_m[2] - self.target_m[2]) / self.distance_m))

    @cached_property
    def ground_axes(self) -> tuple[Vector, Vector]:
        """Unit vectors on the table, (2,) each: to the right of the picture, and away from the camera."""
        right = self.rotation[:2, 0]
        right = right / np.linalg.norm(right)
        return right, np.array([-right[1], right[0]])

    @cached_property
    def rotation(self) -> NDArray[np.float64]:
        """(3, 3) MuJoCo camera to table: columns are right, up, backwards."""
        backwards = (self.eye_m - self.target_m) / self.distance_m
        up_hint = (0.0, 0.0, 1.0) if abs(backwards[2]) < 0.9999 else (1.0, 0.0, 0.0)
        right = np.cross(up_hint, backwards)
        right /= np.linalg.norm(right)
        up = np.cross(backwards, right)
        cosine, sine = np.cos(self.roll_rad), np.sin(self.roll_rad)
        return np.column_stack([cosine * right + sine * up, cosine * up - sine * right, backwards])


def _free(rng: np.random.Generator) -> View:
    span = float(np.exp(rng.uniform(np.log(0.34), np.log(0.95))))
    fovy = rng.uniform(28, 62)
    elevation = (rng.uniform(0.2, 0.35), rng.uniform(0.35, 1.15), rng.uniform(1.15, 1.5))[
        int(rng.choice(3, p=[0.12, 0.74, 0.14]))
    ]
    azimuth = rng.uniform(-np.pi, np.pi)
    distance = span / (2 * np.tan(np.deg2rad(fovy) / 2))
    target = np.array([*rng.uniform(-0.1, 0.1, 2), 0.03])
    outwards = [np.sin(azimuth) * np.cos(elevation), -np.cos(azimuth) * np.cos(elevation), np.sin(elevation)]
    return View("free", target + distance * np.array(outwards), target, rng.normal(0, 0.06), fovy)


def _mounted(
    mount: str, eye: tuple[float, float, float], target: tuple[float, float, float], jitter_m: float
) -> Callable[[np.random.Generator], View]:
    def sample(rng: np.random.Generator) -> View:
        side = np.array([1.0, rng.choice([-1.0, 1.0]), 1.0])
        at = np.array(eye) * side + rng.uniform(-jitter_m, jitter_m, 3)
        look = np.array(target) + np.array([*rng.uniform(-0.06, 0.06, 2), 0.0])
        return View(mount, at, look, rng.normal(0, 0.02), rng.uniform(38, 58))

    return sample


def _wrist(rng: np.random.Generator) -> View:
    """Close above the table, looking almost straight down, turned any way about the line of sight."""
    below = np.array([*rng.uniform(-0.15, 0.15, 2), 0.02])
    lean = rng.uniform(-0.35, 0.35, 2)
    height = rng.uniform(0.28, 0.48)
    eye = below + height * np.array([*lean, 1.0])
    return View("wrist", eye, below, rng.uniform(-np.pi, np.pi), rng.uniform(48, 68))


MOUNTS: dict[str, Callable[[np.random.Generator], View]] = {
    "free": _free,
    "over_shoulder": _mounted("over_shoulder", (-0.52, 0.26, 0.62), (0.08, 0.0, 0.0), 0.07),
    "front": _mounted("front", (0.78, 0.08, 0.45), (0.0, 0.0, 0.02), 0.1),
    "side": _mounted("side", (0.06, 0.75, 0.42), (0.0, 0.0, 0.02), 0.1),
    "overhead": _mounted("overhead", (0.0, 0.02, 0.82), (0.03, 0.0, 0.0), 0.08),
    "wrist": _wrist,
}
_WEIGHTS = np.array([0.62, 0.08, 0.08, 0.08, 0.06, 0.08])


def sample_view(rng: np.random.Generator, mount: str | None = None) -> View:
    """A view through one of `MOUNTS`; mostly free ones where `mount` is not named."""
    return MOUNTS[mount or str(rng.choice(list(MOUNTS), p=_WEIGHTS))](rng)
