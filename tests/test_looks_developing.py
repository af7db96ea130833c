"""From radiance to pictures."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kosmos_sim.looks.developing import Radiance, denoise, develop
from kosmos_sim.looks.finishes import reflectance

SIDE = 48


def card(albedo, light):
    """A flat card: its left half has the first reflectance, its right half the second."""
    reflect = np.repeat(np.repeat(np.array(albedo, float)[None], SIDE // 2, axis=1), SIDE, axis=0)
    normal = np.broadcast_to([0.0, 0.0, 1.0], reflect.shape)
    return Radiance(reflect * light, reflect, normal, np.ones(reflect.shape[:2]))


HALVES = ((0.8, 0.8, 0.8), (0.6, 0.05, 0.05))


def test_noise_goes_and_edges_stay():
    clean = card(HALVES, 2.0)
    noise = np.random.default_rng(0).gamma(4, 0.25, (SIDE, SIDE, 1))
    image = denoise(Radiance(clean.rgb * noise, clean.albedo, clean.normal, clean.depth_m))
    before, after = (np.abs(pixels / clean.rgb - 1).mean() for pixels in (clean.rgb * noise, image))
    assert after < before / 3
    assert image[:, : SIDE // 2, 1].min() > 4 * image[:, SIDE // 2 :, 1].max()


def test_what_has_no_noise_is_left_alone():
    clean = card(HALVES, 1.5)
    np.testing.assert_allclose(denoise(clean), clean.rgb, rtol=1e-3)


@given(st.floats(0.05, 20), st.floats(0.8, 1.25), st.floats(0.8, 1.25))
def test_a_white_thing_is_white_in_any_light(level, red, blue):
    light = level * np.array([red, 1.0, blue])
    image = card(HALVES, light)
    picture = develop(image.rgb, image.albedo, brightness=0.9)
    white, paint = picture[5, 5].astype(int), picture[5, -5].astype(int)
    assert white.min() > 190
    assert np.ptp(white) < 25
    assert paint[0] > 3 * max(paint[1:])


def test_bright_light_bends_towards_white_and_never_past_it():
    image = card(((0.8, 0.8, 0.8), (0.8, 0.8, 0.8)), np.linspace(0.1, 6, SIDE)[None, :, None])
    row = develop(image.rgb, image.albedo, brightness=0.9)[0, :, 0].astype(int)
    assert (np.diff(row) >= 0).all()
    assert row[-1] > 245 > 40 > row[0] - 40


def test_reflectances_are_those_of_paint():
    values = reflectance(np.array([[0.0, 0.5, 1.0]]))[0]
    assert values == pytest.approx([0.003, 0.214, 0.82], abs=1e-3)
