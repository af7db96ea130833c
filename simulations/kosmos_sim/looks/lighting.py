"""Light of the path-traced look: skies, windows, softboxes, a sun, and lamps over the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_sim.looks.export import ExportedScene

SKY_ROWS, SKY_COLUMNS = 128, 256
_LAMP_TRIES = 30
Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Lamp:
    """A square that shines down at the table. radiance: (3,) linear RGB."""

    position_m: Vector
    half_side_m: float
    radiance: Vector


@dataclass(frozen=True)
class Lighting:
    """sky: (SKY_ROWS, SKY_COLUMNS, 3) linear radiance; row 0 looks straight up, columns go around the table's z."""

    sky: NDArray[np.float64]
    lamps: tuple[Lamp, ...]


def draw_lighting(rng: np.random.Generator, scene: ExportedScene) -> Lighting:
    """One of five kinds of light; lamps hang where the camera does not see them."""
    kind = str(rng.choice(["overcast", "window", "studio", "lamps", "sun"], p=[0.15, 0.25, 0.2, 0.22, 0.18]))
    ambient = {"overcast": 1.0, "window": 0.35, "studio": 0.3, "lamps": 0.22, "sun": 0.5}[kind]
    sky = _gradient(rng, ambient)
    turn = rng.uniform(-np.pi, np.pi)
    if kind == "window":
        _paint(sky, turn, rng.uniform(0.45, 0.95), (rng.uniform(0.25, 0.5), rng.uniform(0.25, 0.4)), 9 * _daylight(rng))
    elif kind == "studio":
        for step in range(int(rng.integers(2, 4))):
            size = (rng.uniform(0.15, 0.35), rng.uniform(0.15, 0.3))
            _paint(sky, turn + step * 2.1, rng.uniform(0.6, 1.2), size, rng.uniform(4, 14) * _neutral(rng))
    elif kind == "sun":
        _paint(sky, turn, rng.uniform(0.6, 1.15), (0.06, 0.06), 420 * np.array([1.0, 0.93, 0.84]))
    lamps = _lamps(rng, scene) if kind == "lamps" else ()
    return Lighting(sky, lamps)


def _neutral(rng: np.random.Generator) -> Vector:
    return 1 + rng.uniform(-0.07, 0.07, 3)


def _daylight(rng: np.random.Generator) -> Vector:
    return np.array([0.95, 1.0, 1.06]) * _neutral(rng)


def _warm(rng: np.random.Generator) -> Vector:
    return np.array([1.0, rng.uniform(0.84, 0.94), rng.uniform(0.66, 0.84)])


def _gradient(rng: np.random.Generator, level: float) -> NDArray[np.float64]:
    """From a bright zenith to a darker ground."""
    up, level_tone, ground = level * _daylight(rng), 0.75 * level * _neutral(rng), 0.25 * level * _neutral(rng)
    height = np.linspace(1, -1, SKY_ROWS)[:, None]
    rows = np.where(height > 0, level_tone + (up - level_tone) * height, level_tone + (level_tone - ground) * height)
    return np.repeat(rows[:, None, :], SKY_COLUMNS, axis=1)


def _paint(
    sky: NDArray[np.float64], azimuth_rad: float, elevation_rad: float, half_rad: tuple[float, float], radiance: Vector
) -> None:
    """A bright field; half_rad: its half sizes in azimuth and elevation."""
    elevations = np.pi / 2 - (np.arange(SKY_ROWS) + 0.5) / SKY_ROWS * np.pi
    azimuths = (np.arange(SKY_COLUMNS) + 0.5) / SKY_COLUMNS * 2 * np.pi
    away = np.abs((azimuths - azimuth_rad + np.pi) % (2 * np.pi) - np.pi) * np.cos(elevation_rad)
    rows, columns = np.abs(elevations - elevation_rad) < half_rad[1], away < half_rad[0]
    sky[np.ix_(rows, columns)] = radiance


def _lamps(rng: np.random.Generator, scene: ExportedScene) -> tuple[Lamp, ...]:
    lamps = []
    tint = _warm(rng) if rng.random() < 0.6 else _neutral(rng)
    for number in range(2):
        half = float(rng.uniform(0.06, 0.25))
        for _ in range(_LAMP_TRIES):
            position = np.array([*rng.uniform(-1.0, 1.0, 2), rng.uniform(1.0, 1.7)])
            if not _in_sight(scene, position, half):
                # The same light on the table from a small lamp as from a large one; the first is the main one.
                power = (1.3 if number == 0 else 0.5) * float(position @ position) / half**2
                lamps.append(Lamp(position, half, power * tint * rng.uniform(0.7, 1.3)))
                break
    return tuple(lamps)


def _in_sight(scene: ExportedScene, position_m: Vector, half_side_m: float) -> bool:
    T_camera_table = np.linalg.inv(scene.T_table_camera)
    x, y, z = T_camera_table[:3, :3] @ position_m + T_camera_table[:3, 3]
    reach = np.tan(np.deg2rad(scene.fovy_deg) / 2) * z + 2 * half_side_m
    return bool(z > 0 and abs(x) < reach and abs(y) < reach)
