"""The table-top as a camera sees it: conventions that every consumer relies on."""

import threading

import mujoco
import numpy as np
import pytest
from kosmos_sim import world as world_module
from kosmos_sim.building import build, free_share
from kosmos_sim.setting import lay
from kosmos_sim.sight import sighted_target, true_grounding
from kosmos_sim.world import VISIBLE_SHARE, Tabletop

from kosmos_agent.errors import InvalidArgumentError, LayoutError
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.frames import apply, checked_transform, inverse

SIZE = (320, 240)


@pytest.fixture(scope="module")
def world():
    with Tabletop.random(11, ("cup", "red"), 4) as made:
        yield made


def points_of(seen):
    height, width = seen.depth_m.shape
    lens = Camera.from_matrix(seen.intrinsics, width, height)
    rows, columns = np.nonzero(seen.depth_m > 0)
    points = lens.back_project(np.column_stack([columns, rows]) + 0.5, seen.depth_m[rows, columns])
    return rows, columns, apply(seen.T_base_camera, points)


@pytest.mark.parametrize("camera", ["front", "shoulder", "wrist"])
def test_pictures_depth_and_pose_belong_together(world, camera):
    seen = world.observe(camera, *SIZE, depth_noise=False)
    assert seen.rgb.shape == (240, 320, 3)
    assert seen.rgb.dtype == np.uint8
    assert seen.depth_m.dtype == np.float32
    assert seen.stamp_ns == round(world.data.time * 1e9)
    checked_transform(seen.T_base_camera)
    rows, columns, points = points_of(seen)
    owners = world.owners(camera, *SIZE)[rows, columns]
    for item in world.truth():
        mine = points[owners == item.name]
        assert (mine > item.low_m - 0.01).all()
        assert (mine < item.high_m + 0.01).all()


@pytest.mark.parametrize("camera", ["front", "shoulder"])
def test_mounted_cameras_see_the_target_and_the_table(world, camera):
    seen = world.observe(camera, *SIZE, depth_noise=False)
    lens = Camera.from_matrix(seen.intrinsics, *SIZE)
    ((u, v),) = lens.project(apply(inverse(seen.T_base_camera), world.truth()[0].middle_m[None]))
    assert 0 < u < 320
    assert 0 < v < 240
    _, _, points = points_of(seen)
    assert np.mean(np.abs(points[:, 2]) < 0.002) > 0.2


def test_the_table_top_is_at_zero_and_nothing_is_the_arm_at_home(world):
    for item in world.truth():
        assert abs(item.low_m[2]) < 0.005
    clutter = world.clutter()
    assert (clutter[:, 2] < 0.3).all()
    low = np.min([item.low_m for item in world.truth()], axis=0) - 0.02
    high = np.max([item.high_m for item in world.truth()], axis=0) + 0.02
    assert np.mean((clutter > low).all(axis=1) & (clutter < high).all(axis=1)) > 0.99


def test_measured_depth_has_holes_and_is_the_same_each_time(world):
    exact = world.observe("front", *SIZE, depth_noise=False).depth_m
    first, second = world.observe("front", *SIZE), world.observe("front", *SIZE)
    assert np.array_equal(first.depth_m, second.depth_m)
    assert np.array_equal(first.rgb, second.rgb)
    known = first.depth_m > 0
    assert 0.5 < known.mean() < 1.0
    assert 0 < np.median(np.abs(first.depth_m - exact)[known]) < 0.005


def test_the_same_seed_lays_the_same_table():
    with Tabletop.random(11, ("cup", "red"), 4) as again, Tabletop.random(12, ("cup", "red"), 4) as other:
        with Tabletop.random(11, ("cup", "red"), 4) as first:
            assert np.array_equal(first.data.qpos, again.data.qpos)
            assert np.array_equal(first.observe("front", 64, 48).rgb, again.observe("front", 64, 48).rgb)
        assert not np.array_equal(again.data.qpos[:7], other.data.qpos[:7]) or len(again.items) != len(other.items)
        assert again.instruction == "pick up the red cup"


def test_perfect_grounding_and_measured_depth_find_the_place_within_a_centimetre(world):
    target = sighted_target(world)
    truth = world.truth()[0].as_target()
    assert np.linalg.norm(np.subtract(target.position_m, truth.position_m)) < 0.01
    assert target.stamp_ns == world.stamp_ns
    box = true_grounding(world, world.observe()).best.box
    assert 0.05 < box.side < 0.35


def test_what_stands_in_the_line_of_sight_hides_the_target():
    rng = np.random.default_rng(2)
    built = build(lay(rng, ("block", "red"), 1), rng, 64)
    target, other = built.items
    assert free_share(built, target, "front") >= VISIBLE_SHARE
    eye, middle = built.data.cam("front").xpos, built.data.body(target.name).xpos
    address = int(built.model.joint(built.model.body(other.name).jntadr[0]).qposadr[0])
    built.data.qpos[address : address + 3] = middle + 0.2 * (eye - middle)
    mujoco.mj_forward(built.model, built.data)
    assert free_share(built, target, "front") < 0.7


def test_other_threads_draw_with_their_own_context(world):
    here = world.observe("front", 64, 48).rgb
    found = []

    def look():
        found.append(world.observe("front", 64, 48).rgb)
        world.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert np.array_equal(found[0], here)


def test_a_thread_may_look_while_another_moves_the_arm():
    with Tabletop.random(21, ("block", "red"), 1) as world:
        world.clutter()  # the moving thread draws too
        stamps, stop = [], threading.Event()

        def watch():
            while not stop.is_set():
                stamps.append(world.observe("front", 64, 48, depth_noise=False).stamp_ns)
            world.close()

        watcher = threading.Thread(target=watch)
        watcher.start()
        outcome = world.planner.pick(world.truth()[0].as_target())
        stop.set()
        watcher.join()
        assert outcome.succeeded
        assert world.judge.verdict(world.target.name).picked
        assert stamps == sorted(stamps)
        assert len(set(stamps)) > 1


def test_clutter_does_not_depend_on_what_was_drawn_before(world):
    with Tabletop.random(11, ("cup", "red"), 4) as fresh:
        untouched = fresh.clutter()
    world.observe("front", 640, 480)
    assert np.array_equal(world.clutter(), untouched)


def test_how_free_the_target_stands_can_be_asked_for(monkeypatch):
    monkeypatch.setattr(world_module, "free_share", lambda *_: 0.5)
    monkeypatch.setattr(world_module, "_LAYOUTS", 2)
    with Tabletop.random(3, ("cup", None), visible_share=0.4, gap_m=0.01) as easy:
        assert easy.target.category == "cup"
    with pytest.raises(LayoutError, match="seed 3 lays no table that shows"):
        Tabletop.random(3, ("cup", None))
    with pytest.raises(InvalidArgumentError, match=r"visible_share 1.5; valid: 0 to 1"):
        Tabletop.random(3, visible_share=1.5)


def test_what_cannot_be_drawn_is_named(world):
    with pytest.raises(InvalidArgumentError, match="'rear'; valid: front, shoulder, wrist"):
        world.observe("rear")
    with pytest.raises(InvalidArgumentError, match="4000 x 20"):
        world.observe("front", 4000, 20)
