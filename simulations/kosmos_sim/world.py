"""A table-top one can look at and reach into: the world behind the closed loop.

Base frame = world frame: the foot of the arm on the table top, x forward over the table, y left, z up; the table
top lies at z = 0. Whoever sees uses `observe`; `truth` and `judge` are for grading only.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError, LayoutError
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.frames import apply
from kosmos_sim.building import Built, Item, build, free_share
from kosmos_sim.depth_noise import DepthSensor
from kosmos_sim.judge import ItemTruth, Judge
from kosmos_sim.motion import ArmDriver
from kosmos_sim.planner import SimArmPlanner
from kosmos_sim.render import Renderer, camera_pose, intrinsics
from kosmos_sim.setting import GAP_M, Target, lay
from kosmos_sim.stream import expose

LARGEST_PX = 1280
"""Largest picture side that can be drawn; colour is drawn twice as large as asked where that fits."""
VISIBLE_SHARE = 0.75
"""Of the target, free of other things as the front camera sees it."""
_LAYOUTS = 20
_ARM_GROUP = 2
_CLUTTER_PX = (240, 180)
"""Always the same, whatever else was drawn: an oracle and a closed loop must plan with the same points."""
_CLUTTER_Z_M = (0.012, 0.3)
_CLUTTER_X_M = (0.2, 0.9)
_CLUTTER_SIDE_M = 0.5


@dataclass(frozen=True)
class Observation:
    """What one camera sees at one moment.

    rgb: (H, W, 3) uint8. depth_m: (H, W) float32 along the optical axis, 0 where the sensor saw nothing.
    intrinsics: (3, 3), pixel centres at +0.5. T_base_camera: (4, 4), optical frame (x right, y down, z forward).
    stamp_ns: simulated time.
    """

    camera: str
    rgb: NDArray[np.uint8]
    depth_m: NDArray[np.float32]
    intrinsics: NDArray[np.float64]
    T_base_camera: NDArray[np.float64]
    stamp_ns: int


class Tabletop:
    """A table with an arm, cameras and things to take. `target` is what the instruction names; it is unique.

    Pictures may be drawn on several threads, each with its own context; only one thread may move the arm.
    """

    def __init__(self, built: Built, rng: np.random.Generator) -> None:
        self.model, self.data, self.items = built.model, built.data, built.items
        self.lock = threading.RLock()
        self.driver = ArmDriver(built.model, built.data, lock=self.lock)
        self.planner = SimArmPlanner(self.driver, self.clutter)
        self.judge = Judge(built.model, built.data, built.items)
        self._cameras = built.cameras
        self._brightness = float(rng.uniform(100, 150))
        self._white_balance = 1 + rng.uniform(-0.05, 0.05, 3)
        self._noise_seed = int(rng.integers(2**31))
        self._sensor = DepthSensor()
        self._renderers: dict[tuple[int, int, int], Renderer] = {}

    @classmethod
    def random(
        cls,
        seed: int,
        target: Target | None = None,
        distractors: int | None = None,
        *,
        visible_share: float = VISIBLE_SHARE,
        gap_m: float = GAP_M,
    ) -> Tabletop:
        """The same arguments give the same world. target: category and colour word, for example ("cup", "red").

        Two things make these tables easier than any heap: at least `visible_share` of the target is free of other
        things as the front camera sees it, and at least `gap_m` lies between any two things.
        LayoutError where the seed finds no such table.
        """
        if not 0 <= visible_share <= 1:
            raise InvalidArgumentError(f"visible_share {visible_share}; valid: 0 to 1")
        rng = np.random.default_rng(seed)
        for _ in range(_LAYOUTS):
            built = build(lay(rng, target, distractors, gap_m), rng, LARGEST_PX)
            if free_share(built, built.items[0], "front") >= visible_share:
                return cls(built, rng)
            target = built.items[0].placing.choice.words
        raise LayoutError(f"seed {seed} lays no table that shows {target} to the front camera; take another seed")

    @property
    def target(self) -> Item:
        return self.items[0]

    @property
    def instruction(self) -> str:
        return f"pick up the {self.target.colour} {self.target.category}"

    @property
    def cameras(self) -> tuple[str, ...]:
        return tuple(self._cameras)

    @property
    def stamp_ns(self) -> int:
        return round(self.data.time * 1e9)

    def truth(self) -> tuple[ItemTruth, ...]:
        """Where everything really is, the target first. For judges and tests, never for the seeing path."""
        with self.lock:
            return tuple(self.judge.truth(item.name) for item in self.items)

    def observe(
        self, camera: str = "front", width: int = 640, height: int = 480, depth_noise: bool = True
    ) -> Observation:
        """depth_noise: depth as a real sensor measures it, holes included; the same moment gives the same noise.

        InvalidArgumentError for an unknown camera or a size that cannot be drawn.
        """
        name = self._camera(camera)
        K = self._intrinsics(name, width, height)
        with self.lock:
            renderer = self._renderer(width, height)
            renderer.update(self.data, name)
            rgb = expose(renderer.rgb(), self._brightness, self._white_balance)
            depth_m = renderer.layers().depth_m
            T_base_camera, stamp_ns = camera_pose(self.model, self.data, name), self.stamp_ns
        if depth_noise:
            depth_m = self._measured(depth_m, K, camera, stamp_ns)
        return Observation(camera, rgb, depth_m, K, T_base_camera, stamp_ns)

    def owners(self, camera: str, width: int, height: int) -> NDArray[np.str_]:
        """(H, W) name of the item that each pixel shows, "" for none. For judges and tests, like `truth`."""
        names = np.array([self.model.body(int(body)).name for body in self.model.geom_bodyid] + [""])
        names[~np.isin(names, [item.name for item in self.items])] = ""
        with self.lock:
            renderer = self._renderer(width, height)
            renderer.update(self.data, self._camera(camera))
            owners: NDArray[np.str_] = names[renderer.layers().geoms]
        return owners

    def shown_share(self, name: str, camera: str = "front") -> float:
        """Share of a thing that no other hides from a camera. For judges and tests, like `truth`."""
        item = next(item for item in self.items if item.name == name)
        with self.lock:
            return free_share(Built(self.model, self.data, self.items, self._cameras), item, camera)

    def clutter(self) -> NDArray[np.float64]:
        """(N, 3) points of what stands on the table, base frame, from the mounted cameras' depth without the arm."""
        return np.vstack([self._points(camera) for camera in ("front", "shoulder")])

    def close(self) -> None:
        """Frees what was opened for drawing on the calling thread."""
        thread = threading.get_ident()
        with self.lock:
            for key in [key for key in self._renderers if key[0] == thread]:
                self._renderers.pop(key).close()

    def __enter__(self) -> Tabletop:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _camera(self, camera: str) -> str:
        if camera not in self._cameras:
            raise InvalidArgumentError(f"unknown camera {camera!r}; valid: {', '.join(self._cameras)}")
        return self._cameras[camera]

    def _intrinsics(self, name: str, width: int, height: int) -> NDArray[np.float64]:
        return intrinsics(float(self.model.camera(name).fovy[0]), width, height)

    def _measured(
        self, depth_m: NDArray[np.float32], K: NDArray[np.float64], camera: str, stamp_ns: int
    ) -> NDArray[np.float32]:
        rng = np.random.default_rng([self._noise_seed, stamp_ns, self.cameras.index(camera)])
        return self._sensor.measure(depth_m, K, rng)

    def _renderer(self, width: int, height: int) -> Renderer:
        """One per thread and size: an OpenGL context belongs to a thread."""
        if not (16 <= width <= LARGEST_PX and 16 <= height <= LARGEST_PX):
            raise InvalidArgumentError(f"a picture of {width} x {height} pixels; valid: 16 to {LARGEST_PX} a side")
        key = (threading.get_ident(), width, height)
        if key not in self._renderers:
            supersampling = 2 if 2 * max(width, height) <= LARGEST_PX else 1
            self._renderers[key] = Renderer(self.model, width, height, supersampling)
        return self._renderers[key]

    def _points(self, camera: str) -> NDArray[np.float64]:
        """The arm knows its own shape, so its pixels are left out, as a self-filter does on a real robot."""
        name = self._camera(camera)
        with self.lock:
            renderer = self._renderer(*_CLUTTER_PX)
            renderer.update(self.data, name)
            layers = renderer.layers()
            T_base_camera, stamp_ns = camera_pose(self.model, self.data, name), self.stamp_ns
        lens = Camera.from_matrix(self._intrinsics(name, *_CLUTTER_PX), *_CLUTTER_PX)
        depth_m = self._measured(layers.depth_m, lens.matrix, camera, stamp_ns)
        own = (layers.geoms >= 0) & (self.model.geom_group[layers.geoms] == _ARM_GROUP)
        rows, columns = np.nonzero(~own & (depth_m > 0))
        pixels = np.column_stack([columns, rows]) + 0.5
        points = apply(T_base_camera, lens.back_project(pixels, depth_m[rows, columns]))
        (low, high), (near, far) = _CLUTTER_Z_M, _CLUTTER_X_M
        x, y, z = points.T
        return points[(z > low) & (z < high) & (x > near) & (x < far) & (np.abs(y) < _CLUTTER_SIDE_M)]
