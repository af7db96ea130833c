import mujoco
import numpy as np
import pytest
from kosmos_sim.building import build
from kosmos_sim.judge import LIFTED_M, MOVED_M, Judge, smallest_rectangle
from kosmos_sim.setting import lay

from kosmos_agent.errors import InvalidArgumentError


@pytest.fixture
def laid():
    rng = np.random.default_rng(2)
    built = build(lay(rng, ("block", "blue"), 2), rng, 64)
    return built, Judge(built.model, built.data, built.items)


def _move(built, name, offset_m):
    address = int(built.model.joint(built.model.body(name).jntadr[0]).qposadr[0])
    built.data.qpos[address : address + 3] += offset_m
    mujoco.mj_forward(built.model, built.data)


def test_nothing_lifted_is_no_pick(laid):
    _, judge = laid
    verdict = judge.verdict("item0")
    assert not verdict.picked
    assert verdict.lifted == ()
    assert verdict.lift_m == pytest.approx(0.0, abs=1e-6)
    assert not verdict.moved_wrong_object


@pytest.mark.parametrize(("height_m", "picked"), [(LIFTED_M - 0.01, False), (LIFTED_M + 0.01, True)])
def test_how_high_counts(laid, height_m, picked):
    built, judge = laid
    _move(built, "item0", (0, 0, height_m))
    verdict = judge.verdict("item0")
    assert verdict.picked is picked
    assert verdict.lift_m == pytest.approx(height_m, abs=1e-6)
    assert not verdict.moved_wrong_object


def test_the_wrong_one_or_both_is_no_pick(laid):
    built, judge = laid
    _move(built, "item1", (0, 0, 0.2))
    assert not judge.verdict("item0").picked
    assert judge.verdict("item0").moved_m == {"item1": pytest.approx(0.2)}
    _move(built, "item0", (0, 0, 0.2))
    assert judge.verdict("item0").lifted == ("item0", "item1")
    assert not judge.verdict("item0").picked


def test_a_push_is_seen(laid):
    built, judge = laid
    _move(built, "item2", (MOVED_M * 0.5, 0, 0))
    assert not judge.verdict("item0").moved_wrong_object
    _move(built, "item2", (MOVED_M, 0, 0))
    assert judge.verdict("item0").moved_m.keys() == {"item2"}
    judge.look()
    assert not judge.verdict("item0").moved_wrong_object


def test_unknown_names_are_refused(laid):
    _, judge = laid
    with pytest.raises(InvalidArgumentError, match=r"item7.*item0"):
        judge.verdict("item7")


@pytest.mark.parametrize("yaw", [-1.4, -0.5, 0.2, 1.2])
def test_smallest_rectangle_finds_turn_and_sides(yaw):
    rng = np.random.default_rng(0)
    points = rng.uniform((-0.08, -0.02), (0.08, 0.02), (4000, 2))
    corners = np.array([(x, y) for x in (-0.08, 0.08) for y in (-0.02, 0.02)])
    turn = np.array([[np.cos(yaw), -np.sin(yaw)], [np.sin(yaw), np.cos(yaw)]])
    middle, found, (longer, shorter) = smallest_rectangle(np.vstack([points, corners]) @ turn.T + (0.4, -0.1))
    assert np.allclose(middle, (0.4, -0.1), atol=1e-4)
    assert found == pytest.approx(yaw, abs=1e-3)
    assert (longer, shorter) == pytest.approx((0.16, 0.04), abs=1e-4)
