"""The table-top as a `gymnasium.Env`: read the instruction, look, and say where to grasp.

`import kosmos_sim` registers it as `kosmos/TableTop-v0`; `gymnasium.make("kosmos_sim:kosmos/TableTop-v0")` imports by
itself. An action is one whole grasp; an episode ends with success or after `attempts` of them.
"""

from __future__ import annotations

import math
import string
from typing import Any, ClassVar

import gymnasium
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError, LayoutError, PlanningError
from kosmos_sim.arm import JOINTS, MAX_OPENING_M
from kosmos_sim.grasp import Grasp
from kosmos_sim.judge import Verdict
from kosmos_sim.setting import Target
from kosmos_sim.world import Tabletop

_LAYOUTS = 8
"""Tables drawn at a reset before it is given up."""
_CHARACTERS = string.ascii_letters + string.digits + " ,.'?!-"
_LOW = np.array([0.25, -0.45, 0.0, -math.pi], dtype=np.float32)
_HIGH = np.array([0.80, 0.45, 0.40, math.pi], dtype=np.float32)
_RENDER_MODE = "rgb_array"
ObservationDict = dict[str, Any]


class TableTopEnv(gymnasium.Env):  # type: ignore[misc]  # gymnasium is an optional package
    """Grasp the thing that the instruction names, palm down.

    Observation: `rgb` (H, W, 3) uint8; `depth` (H, W) float32 metres, 0 where nothing was measured; `intrinsics`
    (3, 3); `camera_pose` (4, 4), optical frame (x right, y down, z forward) to base; `instruction` str; `proprio`
    (8,) joint angles in radians and the opening between the pads in metres.
    Action: x, y, z of the grip point in the base frame in metres, and the yaw of the fingers' width in radians.
    Info: `success`; `target_error_m`, horizontal distance from the action to the true middle of the named thing (NaN
    after reset); `moved_wrong_object`; `outcome`, how the motion ended ("unreachable" where it never began).
    Reward: 1 for success, else 0. An arm that cannot get home after a miss ends the episode, truncated.

    target: category and colour word, or None for a new one at each reset; `reset(options={"target": ...})` overrides.
    distractors: how many other things, None for 4 to 8.
    """

    metadata: ClassVar[dict[str, Any]] = {"render_modes": [_RENDER_MODE], "render_fps": 10}

    def __init__(
        self,
        camera: str = "front",
        width: int = 640,
        height: int = 480,
        *,
        depth_noise: bool = True,
        target: Target | None = None,
        distractors: int | None = None,
        attempts: int = 3,
        render_mode: str | None = None,
    ) -> None:
        if attempts < 1:
            raise InvalidArgumentError(f"attempts is {attempts}; valid: 1 or more")
        if render_mode not in (None, _RENDER_MODE):
            raise InvalidArgumentError(f"render mode {render_mode!r}; valid: {_RENDER_MODE!r} or None")
        self.render_mode = render_mode
        self._view = (camera, width, height, depth_noise)
        self._target, self._distractors, self._attempts = target, distractors, attempts
        self._left = 0
        self._world: Tabletop | None = None
        self.action_space = spaces.Box(_LOW, _HIGH, dtype=np.float32)
        self.observation_space = _observation_space(width, height)

    @property
    def world(self) -> Tabletop:
        """The present table-top; InvalidArgumentError before the first reset."""
        if self._world is None:
            raise InvalidArgumentError("there is no table yet; call reset first")
        return self._world

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[ObservationDict, dict[str, Any]]:
        super().reset(seed=seed)
        self.close()
        target = (options or {}).get("target", self._target)
        self._world = self._lay(target)
        self._left = self._attempts
        return self._observe(), self._info(float("nan"), "none")

    def step(self, action: NDArray[np.float32]) -> tuple[ObservationDict, float, bool, bool, dict[str, Any]]:
        world, values = self.world, np.asarray(action, dtype=np.float64)
        if values.shape != (4,) or not np.isfinite(values).all():
            raise InvalidArgumentError(f"action {action!r}; valid: 4 finite numbers, x, y, z in metres and yaw")
        error_m = float(np.linalg.norm(values[:2] - world.truth()[0].middle_m[:2]))
        try:
            grasp = Grasp(values[:3], float(values[3]), MAX_OPENING_M)
            outcome: str = world.planner.grasp([grasp]).reason
        except PlanningError:
            outcome = "unreachable"
        self._left -= 1
        info = self._info(error_m, outcome)
        success = bool(info["success"])
        truncated = not (success or _back_home(world)) or self._left <= 0
        return self._observe(), float(success), success, truncated, info

    def render(self) -> NDArray[np.uint8] | None:
        if self.render_mode is None:
            return None
        camera, width, height, _ = self._view
        return self.world.observe(camera, width, height, depth_noise=False).rgb

    def close(self) -> None:
        if self._world is not None:
            self._world.close()
            self._world = None

    def _lay(self, target: Target | None) -> Tabletop:
        """Draws on where a seed is unlucky; LayoutError where `_LAYOUTS` in a row are."""
        failure: LayoutError | None = None
        for _ in range(_LAYOUTS):
            try:
                return Tabletop.random(int(self.np_random.integers(2**31)), target, self._distractors)
            except LayoutError as error:
                failure = failure or error
        raise LayoutError(f"{_LAYOUTS} seeds in a row laid no table; the first: {failure}")

    def _observe(self) -> ObservationDict:
        camera, width, height, depth_noise = self._view
        seen = self.world.observe(camera, width, height, depth_noise)
        driver = self.world.driver
        return {
            "rgb": seen.rgb,
            "depth": seen.depth_m,
            "intrinsics": seen.intrinsics,
            "camera_pose": seen.T_base_camera,
            "instruction": self.world.instruction,
            "proprio": np.append(driver.q, driver.opening_m),
        }

    def _info(self, error_m: float, outcome: str) -> dict[str, Any]:
        verdict: Verdict = self.world.judge.verdict(self.world.target.name)
        return {
            "success": verdict.picked,
            "target_error_m": error_m,
            "moved_wrong_object": verdict.moved_wrong_object,
            "outcome": outcome,
        }


def _back_home(world: Tabletop) -> bool:
    try:
        return world.planner.let_go().succeeded
    except PlanningError:
        return False


def _observation_space(width: int, height: int) -> spaces.Dict:
    unbounded = {"low": -np.inf, "high": np.inf, "dtype": np.float64}
    return spaces.Dict(
        {
            "rgb": spaces.Box(0, 255, (height, width, 3), np.uint8),
            "depth": spaces.Box(0.0, np.inf, (height, width), np.float32),
            "intrinsics": spaces.Box(shape=(3, 3), **unbounded),
            "camera_pose": spaces.Box(shape=(4, 4), **unbounded),
            "instruction": spaces.Text(max_length=120, charset=_CHARACTERS),
            "proprio": spaces.Box(shape=(JOINTS + 1,), **unbounded),
        }
    )
