import mujoco
import numpy as np
import pytest
from kosmos_sim.arm import ARM_BIT, OBJECT_BIT
from kosmos_sim.hulls import stacked
from kosmos_sim.objects import CATEGORIES
from kosmos_sim.physics import add_physics

MASS_KG = 0.1


def dropped(category, seed=0, seconds=1.2):
    obj = CATEGORIES[category](np.random.default_rng(seed))
    spec = mujoco.MjSpec()
    spec.option.timestep = 0.004
    floor = {"contype": 1, "conaffinity": OBJECT_BIT | ARM_BIT}
    spec.worldbody.add_geom(type=mujoco.mjtGeom.mjGEOM_PLANE, size=[1, 1, 0.1], **floor)
    body = spec.worldbody.add_body(name="thing", pos=[0, 0, 0.001])
    body.add_freejoint()
    add_physics(spec, body, "thing", obj, MASS_KG)
    model = spec.compile()
    data = mujoco.MjData(model)
    mujoco.mj_step(model, data, round(seconds / 0.004))
    thing = data.body("thing")
    return model, data, obj.vertices @ thing.xmat.reshape(3, 3).T + thing.xpos


@pytest.mark.parametrize("category", CATEGORIES)
def test_comes_to_rest_on_the_table_where_it_was_put(category):
    model, data, points = dropped(category)
    assert np.abs(data.qvel).max() < 0.05
    assert abs(points[:, 2].min()) < 0.004
    assert np.abs(data.body("thing").xpos[:2]).max() < 0.004
    assert model.body("thing").mass[0] == pytest.approx(MASS_KG)


@pytest.mark.parametrize("category", ["cup", "mug", "bowl", "pot"])
def test_vessels_are_hollow(category):
    model, data, _ = dropped(category)
    inside, distance = np.array([0.0, 0.0, 0.5]), np.zeros(1, np.int32)
    hit = mujoco.mj_ray(model, data, inside, np.array([0.0, 0.0, -1.0]), None, 1, -1, distance)
    assert 0.5 - hit < 0.012


@pytest.mark.parametrize(("category", "pieces"), [("bottle", 3), ("vase", 2)])
def test_necks_are_cut_into_convex_pieces(category, pieces):
    obj = CATEGORIES[category](np.random.default_rng(1))
    found = stacked(obj)
    assert len(found) >= pieces
    assert max(piece[:, 2].max() for piece in found) == pytest.approx(obj.height, abs=1e-3)
    narrow = [float(np.hypot(*piece[:, :2].T).max()) for piece in found]
    assert min(narrow) < 0.8 * max(narrow)
