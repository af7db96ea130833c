"""Every category, over several draws."""

import numpy as np
import pytest
from kosmos_sim.colours import COLOURS
from kosmos_sim.meshes import turn
from kosmos_sim.objects import CATEGORIES, BoxShape, CylinderShape, SphereShape, VesselShape

CASES = [(word, seed) for word in CATEGORIES for seed in range(3)]
LYING = ("cup", "bottle", "can", "cone", "cylinder")


def build(word, seed):
    return CATEGORIES[word](np.random.default_rng(seed))


def collision_corners(shape):
    """Two opposite corners of the box around a collision shape."""
    if isinstance(shape, BoxShape):
        centre, half = np.array(shape.centre_m), np.array(shape.half_m)
        return centre - half, centre + half
    if isinstance(shape, SphereShape):
        radius, middle = shape.radius_m, np.array([0, 0, shape.centre_z_m])
        return middle - radius, middle + radius
    if isinstance(shape, CylinderShape):
        radius, low, high = shape.radius_m, shape.bottom_m, shape.bottom_m + shape.height_m
    else:
        radius, low, high = max(shape.bottom_radius_m, shape.top_radius_m), 0.0, shape.height_m
    return np.array([-radius, -radius, low]), np.array([radius, radius, high])


@pytest.mark.parametrize(("word", "seed"), CASES)
def test_it_stands_on_the_table_and_fits_a_hand(word, seed):
    obj = build(word, seed)
    assert obj.category == word
    assert obj.vertices[:, 2].min() == pytest.approx(0, abs=5e-4)
    assert 0.015 < obj.height < 0.25
    assert 0.02 < obj.radius < 0.2
    assert obj.extents == pytest.approx(np.ptp(obj.vertices, axis=0))


@pytest.mark.parametrize(("word", "seed"), CASES)
def test_what_can_be_touched_is_what_can_be_seen(word, seed):
    obj = build(word, seed)
    corners = [collision_corners(shape) for shape in obj.collision]
    low, high = np.min([pair[0] for pair in corners], axis=0), np.max([pair[1] for pair in corners], axis=0)
    assert (low >= obj.vertices.min(axis=0) - 0.012).all()
    assert (high <= obj.vertices.max(axis=0) + 0.012).all()
    assert (high - low)[:2].max() > 0.55 * obj.extents[:2].max()


@pytest.mark.parametrize("word", CATEGORIES)
def test_the_same_draw_gives_the_same_object(word):
    assert np.array_equal(build(word, 5).vertices, build(word, 5).vertices)
    assert not np.array_equal(build(word, 5).vertices, build(word, 6).vertices)


@pytest.mark.parametrize(("word", "seed"), CASES)
def test_it_has_a_colour_to_be_named_by(word, seed):
    obj = build(word, seed)
    coloured = [part for part in obj.parts if part.rgb is None]
    assert bool(coloured) == (obj.colour_word is None)
    assert obj.colour_word is None or obj.colour_word in COLOURS


@pytest.mark.parametrize(("word", "seed"), [case for case in CASES if case[0] in LYING])
def test_lying_it_touches_along_a_line(word, seed):
    obj = build(word, seed)
    lying = turn(obj.vertices, "y", obj.lying_deg)
    touching = lying[lying[:, 2] < lying[:, 2].min() + 6e-4]
    assert len(touching) >= 2
    assert np.ptp(touching[:, 0]) > 0.3 * obj.height


def test_scaling_scales_everything():
    for word in CATEGORIES:
        obj = build(word, 0)
        larger = obj.scaled(2.0)
        assert larger.extents == pytest.approx(2 * obj.extents)
        assert larger.hollow == obj.hollow
        for shape, scaled in zip(obj.collision, larger.collision, strict=True):
            assert np.array(collision_corners(scaled)) == pytest.approx(2 * np.array(collision_corners(shape)))


def test_vessels_that_hold_things_are_hollow():
    for word in ("cup", "mug", "bowl", "pot"):
        shape = build(word, 0).collision[0]
        assert isinstance(shape, VesselShape)
        assert 0 < shape.wall_m < shape.bottom_radius_m <= shape.top_radius_m


def test_cups_fit_between_the_fingers():
    assert max(build("cup", seed).extents[:2].max() for seed in range(30)) <= 0.0711
