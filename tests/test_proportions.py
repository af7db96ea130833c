"""Shapes within the trained ranges, and beyond them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kosmos_sim.objects import CATEGORIES
from kosmos_sim.objects.proportions import BEYOND, TRAINED, Proportions, beyond_trained, trained

ROUND = ("cup", "bowl", "bottle", "can", "jar", "vase", "cone", "cylinder", "pear")
"""Width and height are both drawn, and nothing sticks out sideways."""


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.1), st.floats(0.001, 0.1))
def test_the_neutral_ones_are_plain_draws(seed, low, more):
    one, other = np.random.default_rng(seed), np.random.default_rng(seed)
    proportions = trained(one)
    assert proportions is TRAINED
    assert proportions.width(one, low, low + more) == other.uniform(low, low + more)
    assert proportions.height(one, low, low + more) == other.uniform(low, low + more)
    assert (proportions.wall, proportions.exponent) == (1, 1)
    assert (proportions.width_factor, proportions.height_factor) == (1, 1)
    assert one.random() == other.random()


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 0.1), st.floats(0.001, 0.1))
def test_beyond_means_outside_the_range_by_a_known_margin(seed, low, more):
    rng, high = np.random.default_rng(seed), low + more
    proportions = beyond_trained(rng)
    least, most = BEYOND
    for side, value in (
        (proportions.width_side, proportions.width(rng, low, high)),
        (proportions.height_side, proportions.height(rng, low, high)),
    ):
        beyond = value / high if side > 0 else low / value
        assert least * (1 - 1e-9) <= beyond <= most * (1 + 1e-9)
    assert proportions.width_side == -proportions.height_side != 0
    assert abs(proportions.wall - 1) >= 0.25
    assert 0.5 <= abs(proportions.profile) <= 1


def slenderness(word, seeds, draw):
    for seed in seeds:
        rng = np.random.default_rng(seed)
        obj = CATEGORIES[word](rng, draw(rng))
        yield obj.height / obj.extents[:2].max()


@pytest.mark.parametrize("word", ROUND)
def test_no_trained_thing_is_as_slim_or_as_squat(word):
    known = list(slenderness(word, range(200), trained))
    held_out = list(slenderness(word, range(30), beyond_trained))
    assert all(value < min(known) or value > max(known) for value in held_out)
    assert min(held_out) < min(known)
    assert max(held_out) > max(known)


@pytest.mark.parametrize("word", CATEGORIES)
def test_held_out_shapes_are_other_shapes_that_stand_on_the_table(word):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        obj = CATEGORIES[word](rng, beyond_trained(rng))
        assert obj.category == word
        assert obj.vertices[:, 2].min() == pytest.approx(0, abs=2e-3)
        assert 0.012 < obj.height < 0.3
        assert 0.02 < obj.radius < 0.22
        assert np.isfinite(obj.vertices).all()
        assert all((part.mesh.faces < len(part.mesh.vertices)).all() for part in obj.parts)


def test_walls_and_profiles_bend_the_mesh():
    for word, change in (("cup", {"wall": 1.5}), ("bowl", {"profile": 1.0}), ("vase", {"profile": -1.0})):
        plain = CATEGORIES[word](np.random.default_rng(1))
        bent = CATEGORIES[word](np.random.default_rng(1), Proportions(**change))
        assert plain.vertices.shape == bent.vertices.shape
        assert not np.allclose(plain.vertices, bent.vertices)
        assert plain.height == pytest.approx(bent.height)


@pytest.mark.parametrize("word", ["cup", "mug", "bowl", "pot"])
def test_walls_are_as_thick_as_they_are_said_to_be(word):
    one, other = (CATEGORIES[word](np.random.default_rng(0), Proportions(wall=wall)).collision[0] for wall in (1, 1.6))
    assert other.wall_m == pytest.approx(1.6 * one.wall_m)
    assert other.wall_m < other.bottom_radius_m / 2
