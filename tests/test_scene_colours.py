"""Colour words must not be open to dispute."""

import colorsys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kosmos_sim.colours import COLOURS, rgb_from_hsv, sample_rgb

NEUTRAL = {"black", "white", "gray"}


def _apart(first, second, margin):
    return first[0] - second[1] >= margin or second[0] - first[1] >= margin


@pytest.mark.parametrize(("first", "second"), list(combinations(COLOURS, 2)))
def test_two_words_never_name_one_colour(first, second):
    one, other = COLOURS[first], COLOURS[second]
    hues_apart = not {first, second} & NEUTRAL and all(
        _apart(one.hue_deg, (other.hue_deg[0] + turn, other.hue_deg[1] + turn), 12) for turn in (-360, 0, 360)
    )
    assert hues_apart or _apart(one.saturation, other.saturation, 0.2) or _apart(one.value, other.value, 0.2), (
        f"{first} and {second} meet"
    )


@given(st.floats(0, 359.99), st.floats(0, 1), st.floats(0, 1))
def test_conversion_agrees_with_the_standard_library(hue, saturation, value):
    assert rgb_from_hsv(hue, saturation, value) == pytest.approx(
        colorsys.hsv_to_rgb(hue / 360, saturation, value), abs=1e-9
    )


@settings(max_examples=50)
@given(st.sampled_from(list(COLOURS)), st.integers(0, 2**32 - 1))
def test_samples_lie_in_their_own_range(word, seed):
    hue, saturation, value = colorsys.rgb_to_hsv(*sample_rgb(word, np.random.default_rng(seed)))
    colour = COLOURS[word]
    assert colour.value[0] - 1e-9 <= value <= colour.value[1] + 1e-9
    assert colour.saturation[0] - 1e-9 <= saturation <= colour.saturation[1] + 1e-9
    if word not in NEUTRAL:
        low, high = colour.hue_deg
        assert (hue * 360 - low) % 360 <= high - low + 1e-6
