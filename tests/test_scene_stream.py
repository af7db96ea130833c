"""The stream of labelled pictures: repeatable, and exactly described."""

from collections import defaultdict
from itertools import islice

import numpy as np
import pytest
from kosmos_sim.cameras import MOUNTS, sample_view
from kosmos_sim.colours import COLOURS
from kosmos_sim.objects import CATEGORIES
from kosmos_sim.stream import expose, scene_record, scene_records, shrink_instances

SIZE = 128


@pytest.fixture(scope="module")
def records():
    return list(scene_records(21, 16, size=SIZE, with_depth=True))


def same(one, other):
    return (
        np.array_equal(one.rgb, other.rgb)
        and np.array_equal(one.instances, other.instances)
        and np.array_equal(one.T_table_camera, other.T_table_camera)
        and one.objects == other.objects
        and (one.seed, one.index) == (other.seed, other.index)
    )


def test_a_record_depends_on_seed_and_index_alone(records):
    assert same(scene_record(21, 9, size=SIZE), records[9])
    assert same(next(islice(scene_records(21, size=SIZE), 1, None)), records[1])
    assert not np.array_equal(scene_record(22, 9, size=SIZE).rgb, records[9].rgb)


def test_pictures_differ_from_each_other(records):
    assert len({record.rgb.tobytes() for record in records}) == len(records)
    assert [record.index for record in records] == list(range(16))


def test_shapes_and_types(records):
    for record in records:
        assert (record.rgb.shape, record.rgb.dtype) == ((SIZE, SIZE, 3), np.uint8)
        assert (record.depth_m.shape, record.depth_m.dtype) == ((SIZE, SIZE), np.float32)
        assert (record.depth_m > 0).all()
        assert record.instances.dtype == np.uint8
        assert 35 < record.rgb.mean() < 220


def test_nothing_is_kept_unasked(records):
    assert scene_record(21, 0, size=SIZE).depth_m is None
    assert next(scene_records(21, 1, size=SIZE)).depth_m is None


def test_what_objects_say_of_themselves(records):
    for record in records:
        assert [thing.instance for thing in record.objects] == list(range(1, len(record.objects) + 1))
        assert set(np.unique(record.instances)) <= {0, *range(1, len(record.objects) + 1)}
        for thing in record.objects:
            assert thing.category in CATEGORIES
            assert thing.colour in COLOURS
            x1, y1, x2, y2 = thing.box
            assert 0 <= x1 < x2 <= 1
            assert 0 <= y1 < y2 <= 1
            assert 0 < thing.visible <= 1
            assert thing.pixels <= (x2 - x1) * (y2 - y1) * SIZE**2 + 1e-6
            assert thing.position_camera_m[2] > 0
            assert all(side > 0 for side in (*thing.size_m, *thing.extents_m))
            assert np.linalg.norm(thing.size_m) < np.linalg.norm(thing.extents_m) * 2**0.5 + 1e-9
            assert thing.on != thing.instance


def test_both_positions_are_one_point_and_lie_in_the_box_unless_cut_off(records):
    for record in records:
        for thing in record.objects:
            moved = record.T_table_camera @ [*thing.position_camera_m, 1]
            assert moved[:3] == pytest.approx(thing.position_table_m, abs=1e-9)
            if thing.truncated or thing.visible < 1:
                continue
            u, v, depth = record.intrinsics @ thing.position_camera_m
            x1, y1, x2, y2 = (value * SIZE for value in thing.box)
            assert x1 - 1 <= u / depth <= x2 + 1
            assert y1 - 1 <= v / depth <= y2 + 1


def test_only_boxes_at_the_edge_are_truncated(records):
    for record in records:
        for thing in record.objects:
            inside = min(thing.box[:2]) > 0 and max(thing.box[2:]) < 1
            if thing.visible == 1:
                assert not (inside and thing.truncated)


def test_what_stands_on_something_is_above_it():
    found = 0
    for record in scene_records(5, 50, size=64):
        by_instance = {thing.instance: thing for thing in record.objects}
        for thing in record.objects:
            if thing.on:
                found += 1
                below = by_instance[thing.on]
                apart = np.subtract(thing.position_table_m, below.position_table_m)
                assert np.hypot(*apart[:2]) < max(below.size_m)
                bottom, top = (t.position_table_m[2] - s * t.size_m[2] / 2 for t, s in ((thing, 1), (below, -1)))
                assert 0.003 < bottom < top + 0.003
    assert found > 3


@pytest.fixture(scope="module")
def many():
    return list(scene_records(77, 50, size=96))


def test_look_alikes_and_occlusion_are_common(many):
    """Words have work to do: several of a kind, several of a colour, things half hidden."""
    kinds = [[thing.category for thing in record.objects] for record in many]
    colours = [[thing.colour for thing in record.objects] for record in many]
    assert np.mean([len(set(words)) < len(words) for words in kinds]) > 0.5
    assert np.mean([len(set(words)) < len(words) for words in colours]) > 0.5
    visible = np.array([thing.visible for record in many for thing in record.objects])
    assert 0.05 < (visible < 0.9).mean() < 0.5


def test_own_extents_do_not_depend_on_the_pose(many):
    """One model shows at most three of a kind, turned in ever new ways."""
    own, turned = defaultdict(set), defaultdict(set)
    for thing in (thing for record in many for thing in record.objects):
        own[thing.category].add(thing.extents_m)
        turned[thing.category].add(thing.size_m)
    assert max(map(len, own.values())) <= 3
    assert max(map(len, turned.values())) > 20


@pytest.mark.parametrize("mount", MOUNTS)
def test_cameras_look_at_the_table_from_above_it(mount):
    for seed in range(20):
        view = sample_view(np.random.default_rng(seed), mount)
        rotation = view.rotation
        assert view.mount == mount
        assert rotation @ rotation.T == pytest.approx(np.eye(3), abs=1e-9)
        assert np.linalg.det(rotation) == pytest.approx(1)
        assert view.eye_m + view.distance_m * -rotation[:, 2] == pytest.approx(view.target_m)
        assert view.eye_m[2] > 0.04
        assert 0.15 < view.span_m < 1.6


def test_a_named_mount_is_the_one_used():
    for record in scene_records(3, 2, size=64, mount="wrist"):
        assert record.T_table_camera[2, 2] < -0.8


def test_exposure_moves_the_mean_within_limits():
    grey = np.full((8, 8, 3), 100, np.uint8)
    assert expose(grey, 120, np.ones(3)).mean() == pytest.approx(120, abs=1)
    assert expose(grey // 10, 120, np.ones(3)).mean() < 25
    assert expose(grey, 120, np.array([1.0, 1.0, 0.9]))[..., 2].mean() < 110


def test_thin_things_survive_shrinking():
    instances = np.zeros((224, 224), np.uint8)
    instances[:] = 1
    instances[101, 7:150] = 2
    shrunk = shrink_instances(instances)
    assert shrunk.shape == (112, 112)
    assert (shrunk == 2).sum() == 72
