"""Scenes as triangles for another renderer: the same things in the same places."""

import mujoco
import numpy as np
import pytest
from kosmos_sim.looks.export import Role, export
from kosmos_sim.looks.geometry import triangles
from kosmos_sim.looks.lighting import draw_lighting
from kosmos_sim.looks.mitsuba_meshes import sorted_meshes
from kosmos_sim.splits import MITSUBA, OTHER_RENDERER
from kosmos_sim.stream import split_records, staged_split

from kosmos_agent.errors import InvalidArgumentError

SIZE = 160


@pytest.fixture(scope="module")
def scenes():
    """A few exported scenes with their records, and what stood where when they were staged."""
    found = []
    for staged in staged_split(OTHER_RENDERER, 4, SIZE):
        slots = [placement.slot for placement in staged.staging.placements]
        found.append((export(staged), staged.record, [(slot.category, set(slot.geoms.tolist())) for slot in slots]))
    return found


def facing(surface):
    corners = surface.corners_m
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def test_normals_are_unit_vectors_on_the_side_that_faces_outwards(scenes):
    for scene, _, _ in scenes:
        for surface in scene.surfaces:
            assert np.linalg.norm(surface.normals, axis=2) == pytest.approx(1)
            assert ((surface.normals * facing(surface)[:, None]).sum(axis=2) >= -1e-9).all()
            assert surface.uv_m.shape == (*surface.corners_m.shape[:2], 2)


def test_all_objects_are_there_and_nothing_that_is_hidden(scenes):
    for scene, _, placed in scenes:
        by_owner = {}
        for surface in scene.surfaces:
            assert (surface.role is Role.OBJECT) == (surface.owner >= 0)
            by_owner.setdefault(surface.owner, set()).add(surface.geom)
        assert {owner: geoms for owner, geoms in by_owner.items() if owner >= 0} == {
            index: geoms for index, (_, geoms) in enumerate(placed)
        }
        textured = [surface for surface in scene.surfaces if surface.texture is not None]
        assert {surface.role for surface in textured} == {Role.SURROUNDINGS}
        assert 2 <= len({surface.texture.tobytes() for surface in textured}) <= 4


def projected_px(scene, record, owner):
    points = np.vstack([s.corners_m.reshape(-1, 3) for s in scene.surfaces if s.owner == owner])
    T_camera_table = np.linalg.inv(scene.T_table_camera)
    u, v, depth = record.intrinsics @ (points @ T_camera_table[:3, :3].T + T_camera_table[:3, 3]).T
    return np.array([(u / depth).min(), (v / depth).min(), (u / depth).max(), (v / depth).max()])


def test_triangles_project_onto_the_labels_boxes(scenes):
    checked = 0
    for scene, record, placed in scenes:
        assert scene.size_px == SIZE
        np.testing.assert_array_equal(scene.T_table_camera, record.T_table_camera)
        for thing in record.objects:
            if thing.truncated or thing.visible < 1:
                continue
            box_px = np.multiply(thing.box, SIZE)
            boxes = [projected_px(scene, record, k) for k, (word, _) in enumerate(placed) if word == thing.category]
            assert min(np.abs(box - box_px).max() for box in boxes) < 2  # of a thin tip, no pixel centre may be covered
            checked += 1
    assert checked >= 8


def test_the_scenes_of_a_look_do_not_look_like_training():
    staged = next(staged_split(MITSUBA, 1, 64))
    record = next(split_records(MITSUBA, 1))
    assert record.seed == MITSUBA.seed
    assert [o.category for o in record.objects] == [o.category for o in staged.record.objects]
    ratios = [slot.obj.height / slot.obj.extents[:2].max() for slot in staged.scene.slots if slot.category == "cup"]
    assert all(not 1.2 < ratio < 1.83 for ratio in ratios)


def test_the_path_tracers_meshes_are_always_the_same_few_and_lose_nothing(scenes):
    names = set()
    for scene, _, _ in scenes:
        meshes = sorted_meshes(scene, np.random.default_rng(3))
        names.add(tuple(meshes))
        shown = sum(len(surface.corners_m) for surface in scene.surfaces)
        drawn = sum((mesh.corners_m[..., 2] > -4).all(axis=1).sum() for mesh in meshes.values())
        assert drawn == shown
        for mesh in meshes.values():
            assert 0 < mesh.bitmap.min() <= mesh.bitmap.max() < 1
            assert len(mesh.corners_m) == len(mesh.normals) == len(mesh.uv)
    assert len(names) == 1


def test_lamps_hang_out_of_sight_and_above_the_table(scenes):
    for scene, _, _ in scenes:
        lamps = 0
        for seed in range(40):
            lighting = draw_lighting(np.random.default_rng(seed), scene)
            assert (lighting.sky > 0).all()
            for lamp in lighting.lamps:
                lamps += 1
                x, y, z = (np.linalg.inv(scene.T_table_camera) @ [*lamp.position_m, 1])[:3]
                limit = np.tan(np.deg2rad(scene.fovy_deg) / 2) * z
                assert lamp.position_m[2] >= 1
                assert z < 0 or abs(x) > limit or abs(y) > limit
        assert lamps > 4


PRIMITIVES = """
<mujoco><worldbody>
  <geom type="sphere" size=".1"/><geom type="capsule" size=".1 .2"/><geom type="cylinder" size=".1 .2"/>
  <geom type="box" size=".1 .2 .3"/><geom type="plane" size="1 2 .1"/><geom type="ellipsoid" size=".1 .2 .3"/>
</worldbody></mujoco>"""


def test_primitives_have_the_sizes_that_mujoco_gives_them():
    model = mujoco.MjModel.from_xml_string(PRIMITIVES)
    halves = [np.abs(triangles(model, geom).corners_m).max(axis=(0, 1)) for geom in range(5)]
    expected = [(0.1, 0.1, 0.1), (0.1, 0.1, 0.3), (0.1, 0.1, 0.2), (0.1, 0.2, 0.3), (1, 2, 0)]
    np.testing.assert_allclose(halves, expected, atol=1e-3)
    with pytest.raises(InvalidArgumentError, match="valid: plane"):
        triangles(model, 5)
