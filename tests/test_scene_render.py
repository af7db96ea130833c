"""Labels against independent measurements: a larger draw, a ray caster, a picture of one thing alone."""

from dataclasses import dataclass

import mujoco
import numpy as np
import pytest
from kosmos_sim.background_arm import add_background_arm
from kosmos_sim.colours import sample_rgb
from kosmos_sim.footprints import clearance
from kosmos_sim.labels import Shot, describe, placement_map, tight_box
from kosmos_sim.render import Layers, Renderer, camera_pose, intrinsics
from kosmos_sim.scene import CAMERA, compile_scene
from kosmos_sim.staging import stage
from kosmos_sim.stream import expose

SIZE, LARGER = 160, 3
PICTURES = 10
ONE_COLOUR = {"cup", "mug", "bowl", "plate", "teapot", "vase", "block", "cone", "cylinder", "star", "ball", "spoon"}


@dataclass
class Picture:
    layers: Layers
    owners: np.ndarray
    objects: tuple
    instances: np.ndarray
    alone: dict
    rays: list

    def owner(self, thing):
        return int(self.owners[self.instances == thing.instance][0])


def cast_rays(scene, layers, K, pose, rng, count=40):
    """(depth in the picture, depth by mj_ray) at pixels whose neighbours show the same geom."""
    pairs = []
    for v, u in rng.integers(1, SIZE - 1, (count, 2)):
        if layers.geoms[v, u] < 0 or np.ptp(layers.geoms[v - 1 : v + 2, u - 1 : u + 2]):
            continue
        ray = pose[:3, :3] @ np.linalg.inv(K) @ [u + 0.5, v + 0.5, 1]
        length = mujoco.mj_ray(scene.model, scene.data, pose[:3, 3], ray, None, 1, -1, np.zeros(1, np.int32))
        pairs.append((layers.depth_m[v, u], length))
    return pairs


def take(scene, renderer, number):
    staging = stage(scene, np.random.default_rng([4, number]))
    renderer.update(scene.data, CAMERA)
    layers = renderer.layers()
    K = intrinsics(staging.view.fovy_deg, renderer.width, renderer.height)
    pose = camera_pose(scene.model, scene.data, CAMERA)
    shot = Shot(staging.placements, layers, renderer, scene.model.ngeom, scene.extra_geoms, K, pose)
    objects, instances = describe(shot)
    owners = placement_map(layers.geoms, staging.placements, scene.model.ngeom)
    alone = {index: renderer.alone_pixels(thing.slot.geoms) for index, thing in enumerate(staging.placements)}
    rays = cast_rays(scene, layers, K, pose, np.random.default_rng(number)) if renderer.width == SIZE else []
    return Picture(layers, owners, objects, instances, alone, rays)


@pytest.fixture(scope="module", params=[None, add_background_arm], ids=["plain", "arm"])
def pairs(request):
    """The same pictures twice: at SIZE, and LARGER times as large."""
    scene = compile_scene(np.random.default_rng(4), SIZE * LARGER, request.param)
    taken = []
    for side in (SIZE, SIZE * LARGER):
        with Renderer(scene.model, side, side, 1) as renderer:
            taken.append([take(scene, renderer, number) for number in range(PICTURES)])
    return list(zip(*taken, strict=True))


def test_boxes_hold_their_instance_pixels_exactly(pairs):
    for small, _ in pairs:
        assert small.objects
        for thing in small.objects:
            mask = small.instances == thing.instance
            assert mask.sum() == thing.pixels
            assert tight_box(mask) == tuple(round(value * SIZE) for value in thing.box)


def test_boxes_match_a_larger_draw(pairs):
    errors = []
    for small, large in pairs:
        for thing in small.objects:
            if thing.pixels >= 30:
                fine = np.array(tight_box(large.owners == small.owner(thing))) / LARGER
                errors.append(np.abs(fine - np.array(thing.box) * SIZE).max())
    assert len(errors) > 20
    assert np.median(errors) < 0.7
    assert np.quantile(errors, 0.97) < 1.5


def test_depth_matches_rays(pairs):
    depth, length = np.array([pair for small, _ in pairs for pair in small.rays]).T
    assert len(depth) > 100
    error = np.abs(depth - length)
    assert np.median(error) < 1e-4
    assert np.quantile(error, 0.97) < 2e-3


def test_visible_share_is_that_of_the_pixels_when_alone(pairs):
    partly = 0
    for small, large in pairs:
        for thing in small.objects:
            owner = small.owner(thing)
            assert thing.visible == pytest.approx(min(1.0, thing.pixels / small.alone[owner]))
            partly += thing.visible < 0.95
            if small.alone[owner] > 150:
                fine = (large.owners == owner).sum() / large.alone[owner]
                assert thing.visible == pytest.approx(fine, abs=0.06)
    assert partly > 2


def test_depth_and_ids_do_not_depend_on_what_was_drawn_before():
    scene = compile_scene(np.random.default_rng(4), SIZE, None)
    with Renderer(scene.model, SIZE, SIZE, 1) as renderer:
        stage(scene, np.random.default_rng([4, 0]))
        renderer.update(scene.data, CAMERA)
        before = renderer.layers()
        renderer.rgb()
        renderer.alone_pixels(scene.slots[0].geoms)
        after = renderer.layers()
    assert np.array_equal(before.depth_m, after.depth_m)
    assert np.array_equal(before.geoms, after.geoms)


def test_closing_one_renderer_leaves_another_as_it_was():
    scene = compile_scene(np.random.default_rng(4), SIZE, None)
    stage(scene, np.random.default_rng([4, 0]))
    first, second = Renderer(scene.model, SIZE, SIZE, 1), Renderer(scene.model, SIZE, SIZE, 1)
    with second:
        first.update(scene.data, CAMERA)
        first.rgb()
        second.update(scene.data, CAMERA)
        unshaded, shaded = second.rgb(shadow=False), second.rgb()
        assert not np.array_equal(unshaded, shaded)
        first.close()
        assert np.array_equal(second.rgb(shadow=False), unshaded)  # a draw that fails leaves the picture before it
        second.update(scene.data, CAMERA)
        assert np.array_equal(second.rgb(), shaded)


def test_shadows_and_supersampling_keep_the_picture():
    scene = compile_scene(np.random.default_rng(4), SIZE * 2, None)
    stage(scene, np.random.default_rng([4, 1]))
    pictures = {}
    for factor in (1, 2):
        with Renderer(scene.model, SIZE, SIZE, factor) as renderer:
            renderer.update(scene.data, CAMERA)
            pictures[factor] = renderer.rgb().astype(float)
            if factor == 1:
                unshaded = renderer.rgb(shadow=False).astype(float)
    assert pictures[1].shape == pictures[2].shape == (SIZE, SIZE, 3)
    assert np.abs(pictures[1] - pictures[2]).mean() < 6
    assert 0.002 < (unshaded - pictures[1] > 12).all(axis=2).mean() < 0.5


def test_every_object_stays_on_the_table_and_apart():
    """Nothing that stands on the table cuts through another thing, seen from straight above."""
    scene = compile_scene(np.random.default_rng(8), SIZE, None)
    for number in range(40):
        placements = stage(scene, np.random.default_rng([8, number])).placements
        on_table = [thing for thing in placements if thing.on < 0]
        for index, thing in enumerate(on_table):
            for other in on_table[:index]:
                assert clearance(thing.footprint, other.footprint) > 0


def test_white_gray_and_black_stay_apart_in_the_picture():
    """The same things in all three colours, in light and shade, under any exposure."""
    scene = compile_scene(np.random.default_rng(12), SIZE, None)
    grey_levels = {"black": [], "gray": [], "white": []}
    with Renderer(scene.model, SIZE, SIZE, 1) as renderer:
        for number in range(15):
            rng = np.random.default_rng([12, number])
            staging = stage(scene, rng)
            for word, levels in grey_levels.items():
                for thing in staging.placements:
                    scene.model.mat_rgba[thing.slot.coloured_materials, :3] = sample_rgb(word, rng)
                renderer.update(scene.data, CAMERA)
                owners = placement_map(renderer.layers().geoms, staging.placements, scene.model.ngeom)
                picture = expose(renderer.rgb(staging.shadow), staging.brightness, staging.white_balance)
                for index, thing in enumerate(staging.placements):
                    mask = owners == index
                    if thing.slot.category in ONE_COLOUR and mask.sum() > 60:
                        levels.append(np.median(picture[mask]))
    assert len(grey_levels["gray"]) > 15
    assert np.quantile(grey_levels["black"], 0.95) < np.quantile(grey_levels["gray"], 0.05)
    assert np.quantile(grey_levels["gray"], 0.9) < np.quantile(grey_levels["white"], 0.1)
