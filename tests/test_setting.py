from itertools import combinations

import numpy as np
import pytest
from kosmos_sim import setting
from kosmos_sim.footprints import clearance
from kosmos_sim.grasp import DEFAULT_HABIT, GRASPABLE, HABITS
from kosmos_sim.lexicon import lookalikes
from kosmos_sim.setting import GAP_M, MIN_DISTRACTORS, TARGET_AREA_M, draw, lay

from kosmos_agent.errors import InvalidArgumentError, LayoutError


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("words", [("cup", "red"), ("banana", None), ("apple", "green"), None])
def test_exactly_one_thing_answers_to_the_words(seed, words):
    placings = lay(np.random.default_rng(seed), words)
    category, colour = placings[0].choice.words
    if words is not None:
        assert category == words[0]
        assert words[1] in (None, colour)
    for other in placings[1:]:
        assert not (other.choice.obj.category in lookalikes(category) and other.choice.colour == colour)
    assert len(placings) > MIN_DISTRACTORS


@pytest.mark.parametrize("seed", range(6))
def test_others_share_only_the_category_or_only_the_colour(seed):
    placings = lay(np.random.default_rng(seed), ("cup", "red"))
    others = [placing.choice.words for placing in placings[1:]]
    assert any(category == "cup" and colour != "red" for category, colour in others)
    assert any(category != "cup" and colour == "red" for category, colour in others)


@pytest.mark.parametrize("seed", range(8))
def test_there_is_room_around_everything(seed):
    placings = lay(np.random.default_rng(seed))
    assert least_gap_m(placings) > GAP_M
    x, y = placings[0].position_m
    assert TARGET_AREA_M[0][0] <= x <= TARGET_AREA_M[0][1]
    assert TARGET_AREA_M[1][0] <= y <= TARGET_AREA_M[1][1]


def least_gap_m(placings):
    return min(clearance(a.footprint, b.footprint) for a, b in combinations(placings, 2))


def test_the_gap_is_what_was_asked():
    near = [least_gap_m(lay(np.random.default_rng(seed), None, 8, 0.0)) for seed in range(6)]
    wide = [least_gap_m(lay(np.random.default_rng(seed), None, 4, 0.05)) for seed in range(6)]
    assert 0 < min(near) < GAP_M
    assert min(wide) > 0.05


def test_a_table_without_room_is_an_error_of_its_own(monkeypatch):
    monkeypatch.setattr(setting, "TABLE_AREA_M", ((0.5, 0.51), (0.0, 0.01)))
    with pytest.raises(LayoutError, match=r"no room for \('cup', 'red'\) and 6 others") as caught:
        lay(np.random.default_rng(0), ("cup", "red"), 6)
    assert caught.value.code == "no_layout"


@pytest.mark.parametrize("category", GRASPABLE)
def test_graspable_things_fit_the_gripper(category):
    """By the rim where that is the habit: the wall is what must fit between the pads."""
    habit = HABITS.get(category, DEFAULT_HABIT)
    for seed in range(5):
        obj = draw(np.random.default_rng(seed), category).obj
        width_m = obj.extents[:2].min() * habit.width
        if habit.rim:
            width_m = obj.height if habit.wall is None else habit.wall * obj.radius
        assert 0.003 < width_m <= 0.0701


def test_words_that_no_object_has_are_named():
    rng = np.random.default_rng(0)
    with pytest.raises(InvalidArgumentError, match=r"unicorn.*cup"):
        draw(rng, "unicorn")
    with pytest.raises(InvalidArgumentError, match=r"mauve.*red"):
        draw(rng, "cup", "mauve")
    with pytest.raises(InvalidArgumentError, match=r"no red banana; valid colours: yellow"):
        draw(rng, "banana", "red")


def test_the_number_of_others_is_what_was_asked():
    assert len(lay(np.random.default_rng(4), ("cup", None), 2)) == 3
    with pytest.raises(InvalidArgumentError, match=r"a gap of 0.3 m; valid: 0 to 0.1"):
        lay(np.random.default_rng(4), gap_m=0.3)
    for count in (-1, 400):
        with pytest.raises(InvalidArgumentError, match="valid: 0 to 8"):
            lay(np.random.default_rng(4), ("cup", None), count)
