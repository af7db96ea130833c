from __future__ import annotations

import colorsys

import numpy as np
import pytest
from kosmos_sim.colours import COLOURS, sample_rgb
from kosmos_sim.photometric import jitter, jpeg, noise, tone

HUED = [word for word, colour in COLOURS.items() if colour.saturation[0] > 0.3]


def patch(rgb: tuple[float, float, float]) -> np.ndarray:
    return np.full((24, 24, 3), np.rint(np.multiply(rgb, 255)), np.uint8)


def hsv(image: np.ndarray) -> tuple[float, float, float]:
    hue, saturation, value = colorsys.rgb_to_hsv(*(image.reshape(-1, 3).mean(0) / 255))
    return hue * 360, saturation, value


@pytest.mark.parametrize("word", HUED)
def test_hues_keep_their_names(word: str) -> None:
    """The hue may drift outside the range it was drawn from, but stays far from that of any other word."""
    rng = np.random.default_rng(0)
    for _ in range(40):
        before = patch(sample_rgb(word, rng))
        turned = abs((hsv(jitter(before, rng))[0] - hsv(before)[0] + 180) % 360 - 180)
        assert turned < (20 if word == "pink" else 14)  # pink is pale: little turns its hue, but not its name


def test_grays_stay_gray_and_in_order() -> None:
    rng = np.random.default_rng(1)
    row = np.concatenate([patch(sample_rgb(word, rng)) for word in ("black", "gray", "white")], 1)
    for _ in range(40):
        black, gray, white = np.split(jitter(row, rng), 3, axis=1)
        levels = [part.mean() for part in (black, gray, white)]
        assert levels[0] + 40 < levels[1] < levels[2] - 25
        assert hsv(white)[1] < 0.15
        assert levels[0] < 60
        assert levels[2] > 150


def test_a_picture_stays_a_picture_and_is_not_written_to() -> None:
    rng = np.random.default_rng(2)
    picture = rng.integers(0, 256, (40, 30, 3), dtype=np.uint8)[:, ::-1]
    copy = picture.copy()
    for _ in range(20):
        out = jitter(picture, rng)
        assert (out.shape, out.dtype) == (picture.shape, np.uint8)
    np.testing.assert_array_equal(picture, copy)


def test_same_seed_same_picture() -> None:
    picture = np.random.default_rng(3).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    for seed in range(10):
        draws = [jitter(picture, np.random.default_rng(seed)) for _ in range(2)]
        np.testing.assert_array_equal(*draws)


def test_tone_varies_the_level() -> None:
    rng = np.random.default_rng(4)
    levels = [tone(patch((0.5, 0.5, 0.5)), rng).mean() for _ in range(60)]
    assert np.std(levels) > 10


def test_noise_has_the_asked_strength() -> None:
    out = noise(patch((0.5, 0.5, 0.5)), 5.0, np.random.default_rng(5))
    assert np.std(out) == pytest.approx(5.0, rel=0.15)


def test_jpeg_keeps_the_order_of_channels() -> None:
    out = jpeg(patch((0.9, 0.5, 0.1)), 80)
    np.testing.assert_allclose(out.mean((0, 1)), [230, 128, 26], atol=8)
