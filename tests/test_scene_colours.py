"""Colour words must not be open to dispute."""

import colorsys
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kosmos_sim.colours import COLOURS, rgb_from_hsv, sample_rgb
from kosmos_sim.objects import CATEGORIES

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


@settings(derandomize=True)
@given(st.floats(0, 359.99), st.floats(0, 1), st.floats(0, 1))
def test_conversion_agrees_with_the_standard_library(hue, saturation, value):
    assert rgb_from_hsv(hue, saturation, value) == pytest.approx(
        colorsys.hsv_to_rgb(hue / 360, saturation, value), abs=1e-9
    )


@settings(max_examples=50, derandomize=True)
@given(st.sampled_from(list(COLOURS)), st.integers(0, 2**32 - 1))
def test_samples_lie_in_their_own_range(word, seed):
    _check_named(word, sample_rgb(word, np.random.default_rng(seed)))


def test_natural_colours_lie_in_the_range_of_their_word():
    found = set()
    for category, build in CATEGORIES.items():
        for seed in range(6):
            obj = build(np.random.default_rng(seed))
            if obj.colour_word is not None:
                found.add((category, obj.colour_word))
                _check_named(obj.colour_word, obj.parts[0].rgb)
    assert {("apple", "red"), ("apple", "green"), ("pear", "green"), ("pear", "yellow"), ("carrot", "orange")} < found


def _check_named(word, rgb):
    hue, saturation, value = colorsys.rgb_to_hsv(*rgb)
    colour = COLOURS[word]
    assert colour.value[0] - 1e-9 <= value <= colour.value[1] + 1e-9
    assert colour.saturation[0] - 1e-9 <= saturation <= colour.saturation[1] + 1e-9
    if word not in NEUTRAL:
        low, high = colour.hue_deg
        assert (hue * 360 - low) % 360 <= high - low + 1e-6
