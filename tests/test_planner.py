"""The arm behind the planner protocol, without pictures: it is told where things are."""

import mujoco
import numpy as np
import pytest
from kosmos_sim.arm import HOME_Q, READY_Q
from kosmos_sim.building import build
from kosmos_sim.ik import ArmKinematics, top_down
from kosmos_sim.judge import Judge
from kosmos_sim.motion import CONTROL_PERIOD_S, ArmDriver, MotionStoppedError
from kosmos_sim.paths import TRANSIT_M, PathPlanner
from kosmos_sim.planner import SimArmPlanner
from kosmos_sim.setting import lay

from kosmos_agent.errors import CancelledError, PlanningError
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.robot.planner import PICK_PHASES, PLACE_PHASES, PlaceGoal, Planner


class Bench:
    def __init__(self, seed=3, target=("cup", "red"), others=2):
        rng = np.random.default_rng(seed)
        self.built = build(lay(rng, target, others), rng, 64)
        self.driver = ArmDriver(self.built.model, self.built.data)
        self.planner = SimArmPlanner(self.driver)
        self.judge = Judge(self.built.model, self.built.data, self.built.items)

    def truth(self, index=0):
        return self.judge.truth(self.built.items[index].name)

    def verdict(self, index=0):
        return self.judge.verdict(self.built.items[index].name)


def test_picks_a_known_cup_and_puts_it_elsewhere():
    bench = Bench()
    assert isinstance(bench.planner, Planner)
    phases = []
    outcome = bench.planner.pick(bench.truth().as_target(), on_phase=phases.append)
    assert outcome.succeeded
    assert outcome.reason == "done"
    assert tuple(phases) == PICK_PHASES
    assert 1.0 < outcome.duration_s < 15.0
    assert bench.verdict().picked
    assert bench.verdict().lift_m == pytest.approx(0.2, abs=0.02)
    assert not bench.verdict().moved_wrong_object

    phases.clear()
    goal = PlaceGoal(frame_id="base", position_m=(0.45, -0.3, 0.0))
    assert bench.planner.place(goal, on_phase=phases.append).succeeded
    assert tuple(phases) == PLACE_PHASES
    mujoco.mj_step(bench.built.model, bench.built.data, 200)
    assert np.linalg.norm(bench.truth().middle_m[:2] - (0.45, -0.3)) < 0.015
    assert abs(bench.truth().low_m[2]) < 0.004
    assert not bench.planner.holding


def test_cancel_stops_within_one_control_step_and_the_next_pick_works():
    bench = Bench()
    token, stopped_at = CancelToken(), []

    def cancel_halfway_down():
        if bench.driver.grip_position_m[2] < 0.2 and not token.cancelled:
            token.cancel("enough")
            stopped_at.append(bench.driver.time_s)

    bench.driver.hooks.append(cancel_halfway_down)
    outcome = bench.planner.pick(bench.truth().as_target(), cancel=token)
    assert outcome.reason == "cancelled"
    assert not outcome.succeeded
    assert "enough" in outcome.message
    assert outcome.phase == "descend"
    assert bench.driver.time_s - stopped_at[0] <= CONTROL_PERIOD_S + 1e-9
    where = bench.driver.grip_position_m
    bench.driver.hold(0.5)
    assert np.linalg.norm(bench.driver.grip_position_m - where) < 0.02
    assert bench.verdict().lifted == ()
    assert bench.planner.pick(bench.truth().as_target()).succeeded
    assert bench.verdict().picked


def test_cancelled_before_it_began_moves_nothing():
    bench = Bench()
    token = CancelToken()
    token.cancel()
    before = bench.driver.time_s
    with pytest.raises(CancelledError):
        bench.planner.pick(bench.truth().as_target(), cancel=token)
    assert bench.driver.time_s == before


def test_closing_on_nothing_is_an_outcome():
    bench = Bench()
    target = bench.truth().as_target()
    x, y, z = target.position_m
    aside = target.model_copy(update={"position_m": (x, y - 0.12 if y > 0 else y + 0.12, z)})
    outcome = bench.planner.pick(aside)
    assert not outcome.succeeded
    assert outcome.reason in ("nothing_held", "blocked")
    assert bench.verdict().lifted == ()
    with pytest.raises(PlanningError, match="nothing is held"):
        bench.planner.place(PlaceGoal(frame_id="base", position_m=(0.4, 0.2, 0.0)))


def test_lifting_the_wrong_thing_is_not_a_pick():
    bench = Bench(seed=5, target=("cup", "red"), others=2)
    graspable = next(
        index for index, item in enumerate(bench.built.items) if index and item.category in ("cup", "block")
    )
    bench.planner.pick(bench.truth(graspable).as_target())
    verdict = bench.verdict()
    assert verdict.lifted == (bench.built.items[graspable].name,)
    assert not verdict.picked
    assert verdict.moved_wrong_object


def test_going_home_may_be_stopped_and_says_so():
    bench = Bench()
    assert bench.planner.pick(bench.truth().as_target()).succeeded
    token = CancelToken()
    bench.driver.hooks.append(lambda: token.cancel("enough"))
    outcome = bench.planner.go_home(token)
    assert (outcome.succeeded, outcome.phase, outcome.reason) == (False, "retreat", "cancelled")
    assert bench.planner.holding
    bench.driver.hooks.clear()
    assert bench.planner.let_go().succeeded
    assert not bench.planner.holding
    assert np.abs(bench.driver.q - HOME_Q).max() < 0.03


def test_an_obstacle_on_the_way_home_is_an_outcome():
    bench = Bench()

    def blocked():
        raise MotionStoppedError("blocked", "a wall")

    bench.driver.hooks.append(blocked)
    outcome = bench.planner.let_go()
    assert (outcome.succeeded, outcome.phase, outcome.reason) == (False, "release", "blocked")
    assert outcome.message == "a wall"


def test_rising_is_done_needless_or_impossible():
    bench = Bench()
    kinematics = ArmKinematics(bench.built.model)
    paths = PathPlanner(kinematics)
    low = kinematics.solve(np.array([0.5, 0.0, 0.05]), top_down(0.0), READY_Q).q
    far = kinematics.solve(np.array([0.74, 0.0, 0.02]), top_down(0.0), READY_Q).q
    assert kinematics.forward(paths.rise(low, TRANSIT_M).end_q)[0] == pytest.approx((0.5, 0.0, TRANSIT_M), abs=0.005)
    assert paths.rise(low, 0.05) is None
    with pytest.raises(PlanningError, match="out of reach"):
        paths.straight(far, np.array([0.74, 0.0, 0.6]), top_down(0.0))
    with pytest.raises(PlanningError, match=r"cannot rise to 1\.50 m"):
        paths.rise(low, 1.5)


def test_goals_that_cannot_be_are_refused_before_anything_moves():
    bench = Bench()
    target = bench.truth().as_target()
    before = bench.driver.time_s
    with pytest.raises(PlanningError, match=r"'camera'.*'base'"):
        bench.planner.pick(target.model_copy(update={"frame_id": "camera"}))
    with pytest.raises(PlanningError, match="out of reach"):
        bench.planner.pick(target.model_copy(update={"position_m": (1.5, 0.0, 0.05)}))
    with pytest.raises(PlanningError, match="mm across"):
        bench.planner.pick(target.model_copy(update={"extent_m": (0.2, 0.15), "phrase": "the thing"}))
    assert bench.driver.time_s == before


def test_the_same_world_gives_the_same_outcome():
    first, second = Bench(seed=9, target=None, others=4), Bench(seed=9, target=None, others=4)
    assert first.planner.pick(first.truth().as_target()) == second.planner.pick(second.truth().as_target())
    assert np.array_equal(first.built.data.qpos, second.built.data.qpos)
