"""A picture and its mirror image, read as one."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.errors import InvalidPhraseError
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.corners import CornerScores
from kosmos_agent.inference.mirror import mirror_box, mirror_pair, read_as_one
from kosmos_agent.inference.scored_pairs import ScoredPair, ScoredPairs
from kosmos_agent.location import is_valid_pair, pair_to_box
from kosmos_agent.phrases import swap_left_right

SIDE = 32
CELLS = st.integers(0, SIDE - 1)


@st.composite
def pairs(draw):
    left, right = sorted((draw(CELLS), draw(CELLS)))
    top, bottom = sorted((draw(CELLS), draw(CELLS)))
    return top * SIDE + left, bottom * SIDE + right


@st.composite
def scores(draw):
    chosen = draw(st.lists(pairs(), min_size=1, max_size=6, unique=True))
    weights = [draw(st.floats(0.01, 0.16)) for _ in chosen]
    odds = draw(st.floats(-5, 5))
    scored = ScoredPairs.of(ScoredPair(*item) for item in zip(chosen, weights, strict=True))
    return CornerScores(1 / (1 + math.exp(-odds)), scored, odds, draw(st.floats(0, 6)), draw(st.floats(0, 6)))


@given(pairs())
def test_the_mirrored_pair_is_the_mirrored_box(pair):
    there = mirror_pair(pair, SIDE)
    assert is_valid_pair(there, SIDE)
    assert mirror_pair(there, SIDE) == pair
    assert pair_to_box(there, SIDE).corners == pytest.approx(mirror_box(pair_to_box(pair, SIDE)).corners)


@given(scores(), scores())
def test_weights_are_shared_out_and_ranked(seen, mirrored):
    joined = read_as_one(seen, mirrored, SIDE)
    weights = [scored.probability for scored in joined.pairs]
    both = [scored.probability for part in (seen, mirrored) for scored in part.pairs]
    assert sum(weights) == pytest.approx(sum(both) / 2)
    assert weights == sorted(weights, reverse=True)
    assert joined.object_log_odds == pytest.approx((seen.object_log_odds + mirrored.object_log_odds) / 2)
    low, high = sorted((seen.presence, mirrored.presence))
    assert low - 1e-9 <= joined.presence <= high + 1e-9


@given(scores(), scores())
def test_which_of_the_two_came_first_makes_no_difference(seen, mirrored):
    one = read_as_one(seen, mirrored, SIDE)
    other = read_as_one(mirrored, seen, SIDE)
    turned = {mirror_pair(scored.pair, SIDE): scored.probability for scored in other.pairs}
    assert turned == pytest.approx({scored.pair: scored.probability for scored in one.pairs})


def test_asking_both_ways_the_picture_and_its_mirror_image_agree():
    """What one look says depends on which way round it is; what both say does not."""
    grounder = Grounder.load("tabletop", both_ways=True, zoom=False, calibrated=False)
    rgb = np.random.default_rng(5).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    rgb[60:160, 40:120] = (200, 20, 20)
    phrase = "the red box left of the blue cup"
    seen = grounder.view(rgb).evidence([phrase])[0]
    turned = grounder.view(np.ascontiguousarray(rgb[:, ::-1])).evidence([swap_left_right(phrase)])[0]
    assert turned.presence == pytest.approx(seen.presence, abs=1e-5)
    assert mirror_box(turned.candidates[0].box).corners == pytest.approx(seen.candidates[0].box.corners, abs=1e-3)


def test_a_phrase_as_long_as_any_may_be_is_asked_in_other_words_too():
    """Its mirror image and its plural are longer."""
    view = Grounder.load("tabletop").view(np.zeros((48, 64, 3), np.uint8))
    phrase = "left " * 50 + "cup"
    longest = phrase + "s" * (256 - len(phrase) - 3) + "cup"
    assert len(longest) == 256 < len(swap_left_right(longest))
    assert view.find(longest).phrase == longest
    with pytest.raises(InvalidPhraseError, match="257 characters"):
        view.find(longest + "s")
