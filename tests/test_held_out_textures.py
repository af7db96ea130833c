"""Surfaces of the held-out looks."""

import numpy as np
import pytest
from kosmos_sim import textures
from kosmos_sim.held_out_textures import KINDS, held_out_texture
from kosmos_sim.variety import HELD_OUT, TRAINED


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_a_pattern_in_range(kind):
    y, x = np.mgrid[0:96, 0:96] / 96
    first, again, other = (KINDS[kind](np.random.default_rng(seed), x, y) for seed in (1, 1, 2))
    assert first.shape == (96, 96, 3)
    assert np.isfinite(first).all()
    assert -0.05 < first.min() <= first.max() < 1.1
    assert first.std(axis=(0, 1)).max() > 0.01
    assert np.array_equal(first, again)
    assert not np.allclose(first, other)


def test_pixels_are_neither_black_nor_burnt_out():
    for seed in range(24):
        pixels = held_out_texture(np.random.default_rng(seed), 64)
        assert (pixels.shape, pixels.dtype) == ((64, 64, 3), np.uint8)
        assert 60 < pixels.mean() < 245


def test_none_is_a_kind_of_the_training_pictures():
    assert not set(KINDS) & set(textures._KINDS)
    assert TRAINED.surface is textures.texture
    assert HELD_OUT.surface is held_out_texture
