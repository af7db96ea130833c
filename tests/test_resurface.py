from __future__ import annotations

import colorsys

import cv2
import numpy as np
import pytest
from kosmos_sim.colours import COLOURS, sample_rgb
from kosmos_sim.resurface import means, resurface

WORDS = sorted(COLOURS)
HUED = [word for word in WORDS if COLOURS[word].saturation[0] > 0.3]


def painted(word: str, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A shaded square thing of that colour on gray, and the map of it."""
    rgb = np.full((64, 64, 3), 128.0)
    shading = np.linspace(0.7, 1.1, 32)[:, None, None]
    rgb[16:48, 16:48] = np.multiply(sample_rgb(word, rng), 255) * shading
    instances = np.zeros((32, 32), np.uint8)
    instances[8:24, 8:24] = 7
    return np.clip(rgb, 0, 255).astype(np.uint8), instances


def brightness(rgb: np.ndarray) -> float:
    return float(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)[16:48, 16:48].mean())


@pytest.mark.parametrize("word", WORDS)
def test_a_thing_stays_about_as_bright(word: str) -> None:
    """Highlights add at most a little; a bright thing loses where its crests are clipped."""
    rng = np.random.default_rng(0)
    for _ in range(20):
        rgb, instances = painted(word, rng)
        assert brightness(resurface(rgb, instances, rng)) == pytest.approx(brightness(rgb), abs=22)


@pytest.mark.parametrize("word", HUED)
def test_hues_stay(word: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        rgb, instances = painted(word, rng)
        before, after = (
            colorsys.rgb_to_hsv(*(image[16:48, 16:48].reshape(-1, 3).mean(0) / 255))[0] * 360
            for image in (rgb, resurface(rgb, instances, rng))
        )
        assert abs((after - before + 180) % 360 - 180) < 12


def test_surfaces_do_change() -> None:
    rng = np.random.default_rng(2)
    rgb, instances = painted("green", rng)
    drawn = [resurface(rgb, instances, rng)[16:48, 16:48] for _ in range(20)]
    assert np.mean([np.abs(image.astype(float) - rgb[16:48, 16:48]).mean() for image in drawn]) > 4
    spreads = [float(image[..., 1].std()) for image in drawn]
    assert max(spreads) > 1.5 * min(spreads)


def test_the_same_seed_gives_the_same_picture_and_nothing_is_written_to() -> None:
    rgb, instances = painted("red", np.random.default_rng(3))
    kept = rgb.copy(), instances.copy()
    drawn = [resurface(rgb[:, ::-1], instances, np.random.default_rng(4)) for _ in range(2)]
    np.testing.assert_array_equal(*drawn)
    assert (drawn[0].shape, drawn[0].dtype) == (rgb.shape, np.uint8)
    np.testing.assert_array_equal(rgb, kept[0])
    np.testing.assert_array_equal(instances, kept[1])


def test_means_are_those_of_each_thing() -> None:
    thing = np.array([[0, 0, 3], [3, 3, 255]], np.uint8)
    values = np.array([[1, 3, 4], [5, 6, 9]], np.float32)
    np.testing.assert_allclose(means(values, thing), [[2, 2, 5], [5, 5, 9]])
