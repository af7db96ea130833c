"""The one thread that owns a simulated table: it holds the arm still, moves it when asked, and shows what happens.

OpenGL contexts belong to a thread and only one may move the arm, so everything is done on this one. No ROS here.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from kosmos_sim.arm import ArmNames
from kosmos_sim.instructions import check_unique, phrase_of, wanted_thing
from kosmos_sim.judge import Verdict
from kosmos_sim.motion import CONTROL_PERIOD_S, MotionStoppedError
from kosmos_sim.world import Observation, Tabletop
from numpy.typing import NDArray

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.results import Target3D
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.frames import transform
from kosmos_agent.robot.planner import MotionOutcome, PhaseCallback
from kosmos_ros.errors import SimulationEndedError

CLOCK_START_NS = 1_000_000_000
"""What the clock says when the simulation begins: in ROS a stamp of 0 means "never set"."""

T = TypeVar("T")


@dataclass(frozen=True)
class Moment:
    """A picture, and T_base_gripper (4, 4) at that moment. stamp_ns is that of `clock_ns`, as all of these are."""

    seen: Observation
    T_base_gripper: NDArray[np.float64]


@dataclass(frozen=True)
class Callbacks:
    """Called on the world's thread, so they must return quickly.

    on_time: after each control step, with the clock, ns. on_moment: with each picture. on_end: once, whatever ended it.
    """

    on_time: Callable[[int], None]
    on_moment: Callable[[Moment], None]
    on_end: Callable[[], None] = lambda: None


class SimWorld:
    """lay: makes the table, on this thread. see: takes a picture of it. rate_hz: pictures a second of simulated time.

    Simulated time runs no faster than the wall's, and slower where the machine is.
    """

    def __init__(
        self,
        lay: Callable[[], Tabletop],
        see: Callable[[Tabletop], Observation],
        rate_hz: float,
        callbacks: Callbacks,
    ) -> None:
        self._lay, self._see, self._callbacks = lay, see, callbacks
        self._pictures = _Schedule(1 / rate_hz)
        self._pace = _Pace(slack_s=1 / rate_hz)
        self._laid: Future[Tabletop] = Future()
        self._moves: deque[_Work] = deque()
        self._questions: deque[_Work] = deque()
        self._lock, self._stop, self._ended = threading.Lock(), threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="sim_world", daemon=True)

    def start(self) -> Tabletop:
        """Waits until the table is laid; it is to be looked at only, and only for what does not change.

        Errors of `lay` pass through.
        """
        self._thread.start()
        return self._laid.result()

    @property
    def ended(self) -> bool:
        """Nothing moves and nothing is seen any more."""
        return self._ended

    def stop(self) -> None:
        """Ends a motion as a cancel does, and waits for the thread."""
        self._stop.set()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join()

    @property
    def running(self) -> bool:
        return self._thread.is_alive()

    def pick(
        self, target: Target3D, *, on_phase: PhaseCallback | None = None, cancelled: Callable[[], bool] = lambda: False
    ) -> Future[MotionOutcome]:
        """Motions wait for each other. cancelled: asked before the motion and after every control step.

        The future raises what `Planner.pick` does, or SimulationEndedError.
        """
        return self._queued(self._moves, lambda world: self._pick(world, target, on_phase, cancelled))

    def verdict(self) -> Future[Verdict]:
        """Of the thing that the table was laid for; answered within a control step, also while the arm moves."""
        return self._queued(self._questions, lambda world: world.judge.verdict(world.target.name))

    def _queued(self, queue: deque[_Work], call: Callable[[Tabletop], T]) -> Future[T]:
        work = _Work(call)
        with self._lock:
            if not self._ended:
                queue.append(work)
                return work.future
        work.refuse()
        return work.future

    def _run(self) -> None:
        try:
            world = self._made()
            if world is not None:
                with world:
                    world.driver.hooks.append(lambda: self._advance(world))
                    self._laid.set_result(world)
                    while not self._stop.is_set():
                        self._serve(world)
        finally:
            self._end()

    def _made(self) -> Tabletop | None:
        """None: it could not be laid, and `start` says why."""
        try:
            return self._lay()
        except KosmosAgentError as error:
            self._laid.set_exception(error)
            return None

    def _serve(self, world: Tabletop) -> None:
        if self._moves:
            self._moves.popleft().do(world)
            return
        try:
            world.driver.step()
        except MotionStoppedError:
            # Something pushed the resting arm away; the driver has made where it is its goal.
            return

    def _advance(self, world: Tabletop) -> None:
        """After each control step, in whatever motion."""
        while self._questions:
            self._questions.popleft().do(world)
        clock_ns = clock_of(world)
        self._callbacks.on_time(clock_ns)
        if self._pictures.due(world.driver.time_s):
            seen = replace(self._see(world), stamp_ns=clock_ns)
            self._callbacks.on_moment(Moment(seen, gripper_pose(world)))
        self._pace.wait(CONTROL_PERIOD_S, self._stop)

    def _pick(
        self, world: Tabletop, target: Target3D, on_phase: PhaseCallback | None, cancelled: Callable[[], bool]
    ) -> MotionOutcome:
        token = CancelToken()

        def heed() -> None:
            if cancelled():
                token.cancel()
            if self._stop.is_set():
                token.cancel("the simulation ends")

        heed()
        world.driver.hooks.append(heed)
        try:
            return world.planner.pick(target, on_phase=on_phase, cancel=token)
        finally:
            world.driver.hooks.remove(heed)

    def _end(self) -> None:
        with self._lock:
            self._ended = True
        if not self._laid.done():
            self._laid.set_exception(SimulationEndedError("the table could not be laid; the log says why"))
        for queue in (self._moves, self._questions):
            while queue:
                queue.popleft().refuse()
        self._callbacks.on_end()


def lay_table(seed: int, instruction: str) -> Tabletop:
    """instruction: "pick up the red cup", or empty for whatever the seed brings.

    InvalidArgumentError: it asks for no thing of ours, or for more than one on this table. LayoutError: see `Tabletop`.
    """
    if not instruction.strip():
        return Tabletop.random(seed)
    wanted = wanted_thing(phrase_of(instruction))
    table = Tabletop.random(seed, wanted)
    check_unique(table, wanted)
    return table


def clock_of(world: Tabletop) -> int:
    """Nanoseconds: simulated time after `CLOCK_START_NS`."""
    return world.stamp_ns + CLOCK_START_NS


def gripper_pose(world: Tabletop) -> NDArray[np.float64]:
    """(4, 4) T_base_gripper of the point between the pads."""
    site = world.data.site(ArmNames().grip_site)
    return transform(site.xmat.reshape(3, 3), site.xpos)


class _Work:
    """A call on the world's thread and where its answer goes."""

    def __init__(self, call: Callable[[Tabletop], Any]) -> None:
        self._call = call
        self.future: Future[Any] = Future()

    def do(self, world: Tabletop) -> None:
        """Any other error than ours ends the thread, and the one who waits is told."""
        try:
            self.future.set_result(self._call(world))
        except KosmosAgentError as error:
            self.future.set_exception(error)
        finally:
            if not self.future.done():
                self.refuse()

    def refuse(self) -> None:
        self.future.set_exception(SimulationEndedError("the simulation has ended; start it again"))


@dataclass
class _Schedule:
    """Every `period_s` of simulated time without drift; what was missed is left out."""

    period_s: float
    _next_s: float = 0.0

    def due(self, time_s: float) -> bool:
        # Simulated time is a sum of steps: half a microsecond decides about rounding, never about a step.
        if time_s < self._next_s - 5e-7:
            return False
        self._next_s += self.period_s
        if self._next_s <= time_s:
            self._next_s = time_s + self.period_s
        return True


@dataclass
class _Pace:
    """Keeps simulated time from running faster than the wall's; no more than `slack_s` of a delay is caught up."""

    slack_s: float
    _due_s: float = 0.0

    def wait(self, step_s: float, stop: threading.Event) -> None:
        now_s = time.monotonic()
        self._due_s = max(self._due_s + step_s, now_s - self.slack_s)
        stop.wait(max(0.0, self._due_s - now_s))
