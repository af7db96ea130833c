"""A box and its depth to metres, on ray-cast scenes whose truth is known in closed form."""

import numpy as np
import pytest
import raycast_scenes as scenes
from hypothesis import given, settings
from hypothesis import strategies as st

from kosmos_agent.errors import CameraModelError, InvalidDepthError, NoDepthError, NoTargetError
from kosmos_agent.results import Box
from kosmos_agent.robot import frames
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.locate import locate, locate_all

THINGS = {
    "can": lambda yaw: scenes.can(0, 0, 0.033, 0.11),
    "flat can": lambda yaw: scenes.can(0, 0, 0.045, 0.04),
    "cup": lambda yaw: scenes.cup(0, 0, 0.04, 0.09),
    "ball": lambda yaw: scenes.ball(0, 0, 0.035),
    "cone": lambda yaw: scenes.cone(0, 0, 0.04, 0.10),
    "bottle": lambda yaw: scenes.bottle(0, 0, 0.035, 0.20),
    "cube": lambda yaw: scenes.block(0, 0, (0.05, 0.05, 0.05), yaw),
    "box": lambda yaw: scenes.block(0, 0, (0.03, 0.09, 0.06), yaw),
    "carton": lambda yaw: scenes.block(0, 0, (0.05, 0.04, 0.15), yaw),
}


def target_of(picture, box=None, depth_m=None, **options):
    depth_m = picture.depth_m if depth_m is None else depth_m
    answer = scenes.answer(box or picture.box())
    return locate(answer, depth_m, picture.camera, picture.T_base_camera, **options)


def crowded(thing, rng):
    """The thing in the middle, three others at 11 to 20 cm."""
    solids = [thing]
    while len(solids) < 4:
        angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.11, 0.2)
        x, y = distance * np.cos(angle), distance * np.sin(angle)
        if all(np.hypot(x - solid.centre_m[0], y - solid.centre_m[1]) > 0.1 for solid in solids[1:]):
            solids.append(scenes.can(x, y, 0.03, 0.09) if rng.random() < 0.5 else scenes.block(x, y, (0.05,) * 3, 0.4))
    return solids


def errors_m(make, rng, sigma_at_1m=0.0, holes=0.0, jitter=0.0, count=4):
    """(N, 3) errors of position over random views of a crowded table; views that hide the thing are left out."""
    errors = []
    while len(errors) < count:
        solids = crowded(make(rng.uniform(0, np.pi)), rng)
        at = (*rng.normal(scale=0.05, size=2), 0.03)
        elevation, distance = np.deg2rad(rng.uniform(25, 65)), rng.uniform(0.6, 1.0)
        pose = scenes.camera_pose(rng.uniform(0, 2 * np.pi), elevation, distance, at)
        picture = scenes.render(solids, pose)
        if (picture.ids == 1).sum() < 0.8 * (scenes.render(solids[:1], pose).ids == 1).sum():
            continue
        depth_m = scenes.noisy(picture.depth_m, rng, sigma_at_1m, holes)
        box = scenes.jittered(picture.box(), rng, jitter)
        errors.append(np.subtract(target_of(picture, box, depth_m).position_m, solids[0].centre_m))
    return np.array(errors)


@pytest.mark.parametrize("name", THINGS)
def test_clean_depth_and_exact_boxes_are_exact_to_three_millimetres(name):
    errors = errors_m(THINGS[name], np.random.default_rng(1))
    assert np.hypot(*errors.T[:2]).max() < 0.003
    assert np.abs(errors[:, 2]).max() < 0.003


@pytest.mark.parametrize("name", THINGS)
def test_noise_holes_and_sloppy_boxes_cost_a_few_millimetres(name):
    errors = errors_m(THINGS[name], np.random.default_rng(2), sigma_at_1m=0.002, holes=0.05, jitter=0.1)
    assert np.median(np.hypot(*errors.T[:2])) < 0.003
    assert np.hypot(*errors.T[:2]).max() < 0.008
    assert np.abs(errors[:, 2]).max() < 0.005


@given(st.floats(-np.pi, np.pi), st.floats(-0.5, 0.5), st.floats(-0.3, 1.0), st.sampled_from(sorted(THINGS)))
@settings(max_examples=15, deadline=None)
def test_another_base_frame_gives_the_same_place(turn, shift, lift, name):
    picture = scenes.render([THINGS[name](0.4)], scenes.camera_pose(0.7, 0.7, 0.8))
    T_other_base = frames.transform(frames.rotation_z(turn), (shift, -2 * shift, lift))
    here = target_of(picture)
    picture.T_base_camera = T_other_base @ picture.T_base_camera
    there = target_of(picture)
    np.testing.assert_allclose(there.position_m, frames.apply(T_other_base, here.position_m), atol=2e-4)
    assert there.size_m[2] == pytest.approx(here.size_m[2], abs=2e-4)
    np.testing.assert_allclose(there.extent_m, here.extent_m, atol=4e-4)


def test_yaw_and_extent_follow_a_long_block():
    for yaw in np.deg2rad([-80, -35, 0, 20, 65, 90]):
        picture = scenes.render([scenes.block(0.02, 0.01, (0.12, 0.03, 0.04), yaw)], scenes.camera_pose(0.3, 0.8, 0.7))
        target = target_of(picture)
        assert np.sin(target.yaw_rad - yaw) == pytest.approx(0, abs=0.02)
        np.testing.assert_allclose(target.extent_m, (0.12, 0.03), atol=0.003)
        assert target.size_m[2] == pytest.approx(0.04, abs=0.001)


@pytest.mark.parametrize("tilt_deg", [0.0, 4.0])
@pytest.mark.parametrize("height_m", [-0.3, 0.75])
def test_the_table_may_be_elsewhere_and_tilted_over_a_floor(height_m, tilt_deg):
    tilt = np.deg2rad(tilt_deg)
    table = scenes.Plane((np.sin(tilt), 0.0, np.cos(tilt)), height_m * np.cos(tilt), half_m=0.35)
    floor = scenes.Plane(offset_m=height_m - 0.7)
    thing = scenes.ball(0.0, 0.0, 0.04, z=height_m)
    pose = scenes.camera_pose(0.5, 0.8, 0.9, at=(0, 0, height_m))
    target = target_of(scenes.render([thing], pose, grounds=(table, floor)))
    assert target.support_height_m == pytest.approx(height_m, abs=0.002)
    np.testing.assert_allclose(target.position_m, thing.centre_m, atol=0.004)


def test_support_is_the_book_below_not_the_table():
    book = scenes.block(0.01, 0.02, (0.20, 0.15, 0.03), 0.3)
    for elevation in (0.6, 0.9):
        picture = scenes.render([scenes.can(0, 0, 0.03, 0.09, z=0.03), book], scenes.camera_pose(0.2, elevation, 0.7))
        target = target_of(picture)
        assert target.support_height_m == pytest.approx(0.03, abs=0.003)
        assert target.size_m[2] == pytest.approx(0.09, abs=0.003)
        np.testing.assert_allclose(target.position_m, (0, 0, 0.075), atol=0.003)


def test_a_block_beside_is_not_what_a_can_stands_on():
    beside = scenes.block(0.0, 0.065, (0.06, 0.06, 0.03))
    picture = scenes.render([scenes.can(0, 0, 0.03, 0.10), beside], scenes.camera_pose(0.1, 0.7, 0.7))
    target = target_of(picture)
    assert target.support_height_m == pytest.approx(0.0, abs=0.002)
    np.testing.assert_allclose(target.position_m, (0, 0, 0.05), atol=0.003)


def test_a_block_on_a_block_of_the_same_width():
    size = (0.05, 0.05, 0.05)
    picture = scenes.render(
        [scenes.block(0, 0, size, 0.4, z=0.05), scenes.block(0, 0, size, 0.4)], scenes.camera_pose(0.2, 0.6, 0.7)
    )
    target = target_of(picture)
    assert target.support_height_m == pytest.approx(0.05, abs=0.006)
    np.testing.assert_allclose(target.position_m[:2], (0, 0), atol=0.003)


def test_a_taller_thing_right_behind_is_left_out():
    behind = scenes.block(-0.075, 0.0, (0.05, 0.10, 0.20))
    picture = scenes.render([scenes.can(0, 0, 0.035, 0.08), behind], scenes.camera_pose(0.0, 0.5, 0.7))
    target = target_of(picture, _grown(picture.box()))
    np.testing.assert_allclose(target.position_m, (0, 0, 0.04), atol=0.004)


def _grown(box, share=0.2):
    width, height = box.x2 - box.x1, box.y2 - box.y1
    return Box(
        x1=box.x1 - share * width, y1=box.y1 - share * height, x2=box.x2 + share * width, y2=box.y2 + share * height
    )


def test_a_small_thing_in_front_does_not_take_over_the_box_of_a_long_one():
    long_thing = scenes.block(0, 0, (0.02, 0.24, 0.02))
    picture = scenes.render([long_thing, scenes.ball(0.06, 0.0, 0.03)], scenes.camera_pose(0.0, 0.6, 0.8))
    target = target_of(picture)
    assert target.extent_m[0] == pytest.approx(0.24, abs=0.01)
    assert target.position_m[2] == pytest.approx(0.01, abs=0.003)


def test_half_of_the_readings_may_be_missing():
    picture = scenes.render([scenes.can(0, 0, 0.033, 0.11)], scenes.camera_pose(0.4, 0.8, 0.7))
    depth_m = scenes.noisy(picture.depth_m, np.random.default_rng(0), sigma_at_1m=0.001, holes=0.5)
    np.testing.assert_allclose(target_of(picture, depth_m=depth_m).position_m, (0, 0, 0.055), atol=0.004)


def test_a_blind_patch_on_the_thing_is_bridged():
    picture = scenes.render([scenes.cup(0, 0, 0.04, 0.09)], scenes.camera_pose(0.4, 0.8, 0.7))
    x1, y1, x2, _ = (int(value) for value in picture.box().to_pixels(320, 240))
    depth_m = picture.depth_m.copy()
    depth_m[y1 + 15 : y1 + 19, x1:x2] = 0.0
    np.testing.assert_allclose(target_of(picture, depth_m=depth_m).position_m, (0, 0, 0.045), atol=0.005)


def test_a_distorted_lens_and_smaller_depth_give_the_same_place():
    bent = Camera(320, 240, 290, 290, 160, 120, (-0.2, 0.05, 0.001, 0.001, 0.0))
    picture = scenes.render([scenes.can(0, 0, 0.033, 0.11)], scenes.camera_pose(0.4, 0.8, 0.7), bent)
    np.testing.assert_allclose(target_of(picture).position_m, (0, 0, 0.055), atol=0.002)
    small = bent.scaled_to(160, 120)
    half = scenes.render([scenes.can(0, 0, 0.033, 0.11)], scenes.camera_pose(0.4, 0.8, 0.7), small)
    np.testing.assert_allclose(target_of(half, picture.box()).position_m, (0, 0, 0.055), atol=0.003)


def test_target_carries_the_answer_and_frame():
    picture = scenes.render([scenes.can(0, 0, 0.033, 0.11)], scenes.camera_pose(0.4, 0.8, 0.7))
    target = target_of(picture, frame_id="world")
    assert (target.phrase, target.frame_id, target.stamp_ns) == ("the thing", "world", 7)
    assert target.box == picture.box()
    assert target.probability == 0.9
    assert target.points > 500


def test_most_errors_lie_inside_the_covariance():
    rng = np.random.default_rng(3)
    distances = []
    for name in ("can", "ball", "box"):
        for _ in range(6):
            pose = scenes.camera_pose(rng.uniform(0, 6), rng.uniform(0.5, 1.1), rng.uniform(0.6, 1.0))
            thing = THINGS[name](rng.uniform(0, 3))
            picture = scenes.render([thing], pose)
            box = scenes.jittered(picture.box(), rng, 0.1)
            target = target_of(picture, box, scenes.noisy(picture.depth_m, rng, 0.003))
            error = np.subtract(target.position_m, thing.centre_m)
            distances.append(error @ np.linalg.solve(np.reshape(target.covariance_m2, (3, 3)), error))
    assert np.mean(np.array(distances) < 6.25) >= 0.9
    assert np.max(distances) > 0.05


def test_what_stands_behind_something_is_less_certain():
    can, block = scenes.can(0, 0, 0.035, 0.10), scenes.block(0.08, 0.03, (0.03, 0.05, 0.12))
    pose = scenes.camera_pose(0.0, 0.4, 0.8)
    free, behind = (target_of(scenes.render(solids, pose)) for solids in ([can], [can, block]))
    assert behind.covariance_m2[4] > 2 * free.covariance_m2[4]


def test_a_ledge_of_the_thing_itself_is_not_its_support():
    dish, candle = scenes.can(0, 0, 0.05, 0.02), scenes.can(0, 0, 0.02, 0.10, z=0.02)
    picture = scenes.render([dish, candle], scenes.camera_pose(0.3, 0.7, 0.7))
    picture.ids[picture.ids == 2] = 1
    target = target_of(picture)
    assert target.support_height_m == pytest.approx(0.0, abs=0.002)
    assert target.size_m[2] == pytest.approx(0.12, abs=0.003)


def test_a_handle_does_not_move_the_middle_of_a_cup():
    cup, handle = scenes.can(0, 0, 0.04, 0.09), scenes.block(0.0, 0.05, (0.012, 0.03, 0.05), z=0.02)
    picture = scenes.render([cup, handle], scenes.camera_pose(0.0, 0.6, 0.7))
    picture.ids[picture.ids == 2] = 1
    np.testing.assert_allclose(target_of(picture).position_m[:2], (0, 0), atol=0.004)


def test_covariance_is_symmetric_positive_and_grows_with_distance_and_noise():
    def spread(distance_m, sigma):
        picture = scenes.render([scenes.ball(0, 0, 0.04)], scenes.camera_pose(0.4, 0.8, distance_m))
        depth_m = scenes.noisy(picture.depth_m, np.random.default_rng(0), sigma, 0.0)
        covariance = np.array(target_of(picture, depth_m=depth_m).covariance_m2).reshape(3, 3)
        np.testing.assert_allclose(covariance, covariance.T, atol=1e-15)
        assert np.linalg.eigvalsh(covariance).min() > 0
        return np.trace(covariance)

    assert spread(1.4, 0.001) > spread(0.7, 0.001)
    assert spread(0.7, 0.006) > spread(0.7, 0.0005)


def test_candidates_share_one_plane_and_one_without_depth_holds_its_error():
    picture = scenes.render(
        [scenes.can(0, 0.1, 0.033, 0.11), scenes.ball(0, -0.1, 0.035)], scenes.camera_pose(0.0, 0.8, 0.8)
    )
    depth_m = picture.depth_m.copy()
    depth_m[picture.ids == 2] = np.nan
    x1, y1, x2, y2 = (int(value) for value in picture.box(1).to_pixels(320, 240))
    depth_m[y1:y2, x1:x2] = 0.0
    answer = scenes.answer(picture.box(0), picture.box(1), status="ambiguous")
    can, ball = locate_all(answer, depth_m, picture.camera, picture.T_base_camera)
    np.testing.assert_allclose(can.position_m, (0, 0.1, 0.055), atol=0.003)
    assert isinstance(ball, NoDepthError)
    assert locate(answer, depth_m, picture.camera, picture.T_base_camera).box == picture.box(0)


@pytest.fixture(scope="module")
def picture():
    return scenes.render([scenes.can(0, 0, 0.033, 0.11)], scenes.camera_pose(0.4, 0.8, 0.7))


class TestRefusals:
    def test_an_answer_without_box(self, picture):
        for answer in (scenes.answer(status="not_found"), scenes.answer(picture.box(), status="cannot_tell")):
            with pytest.raises(NoTargetError, match=answer.status):
                locate(answer, picture.depth_m, picture.camera, picture.T_base_camera)

    def test_no_depth_in_the_box_says_how_many_of_how_many(self, picture):
        depth_m = np.where(picture.ids == 1, np.nan, picture.depth_m)
        inside = Box(x1=0.49, y1=0.42, x2=0.52, y2=0.5)
        with pytest.raises(NoDepthError, match=r"0 of \d+ depth readings in the box"):
            target_of(picture, inside, depth_m)

    def test_no_depth_anywhere(self, picture):
        with pytest.raises(NoDepthError, match="sampled depth readings"):
            target_of(picture, depth_m=np.zeros_like(picture.depth_m))

    def test_a_box_on_the_bare_table(self, picture):
        with pytest.raises(NoDepthError, match=r"0 of \d+ depth points in the box stand more than 4 mm"):
            target_of(picture, Box(x1=0.05, y1=0.75, x2=0.2, y2=0.95))

    def test_depth_of_another_size(self, picture):
        with pytest.raises(CameraModelError, match=r"\(120, 160\).*320 x 240"):
            target_of(picture, depth_m=picture.depth_m[::2, ::2])

    def test_millimetres(self, picture):
        with pytest.raises(InvalidDepthError, match="divide by 1000"):
            target_of(picture, depth_m=picture.depth_m * 1000)
        with pytest.raises(InvalidDepthError, match="uint16"):
            target_of(picture, depth_m=(picture.depth_m * 1000).astype(np.uint16))

    def test_a_pose_that_is_not_rigid(self, picture):
        with pytest.raises(CameraModelError, match="T_base_camera"):
            locate(scenes.answer(picture.box()), picture.depth_m, picture.camera, 2 * picture.T_base_camera)

    def test_a_base_frame_with_z_sideways(self, picture):
        T_sideways_base = frames.transform([[1, 0, 0], [0, 0, -1], [0, 1, 0]])
        with pytest.raises(NoDepthError, match="z of the base frame must point up"):
            locate(
                scenes.answer(picture.box()),
                picture.depth_m,
                picture.camera,
                T_sideways_base @ picture.T_base_camera,
            )
