"""Robots asked for what is not there: the words, the course of an attempt, the sums."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from kosmos_sim.grasp import GRASPABLE
from kosmos_sim.lexicon import CATEGORIES, COLOURS, lookalikes
from kosmos_sim.missing import missing_words

from kosmos_agent.cli._absent_picks import AbsentTrial, absent_summary, absent_trial
from kosmos_agent.errors import LayoutError
from kosmos_agent.results import Box, Candidate, Frame, Grounding


@dataclass(frozen=True)
class Thing:
    category: str
    colour: str


THINGS = st.lists(st.builds(Thing, st.sampled_from(CATEGORIES), st.sampled_from(COLOURS)), max_size=12)


@given(THINGS, st.integers(0, 1000))
def test_the_words_name_nothing_on_the_table_nor_anything_like_it(things, seed):
    category, colour = missing_words(things, np.random.default_rng(seed))
    assert category in GRASPABLE
    assert not [thing for thing in things if thing.colour == colour and category in lookalikes(thing.category)]


def test_mostly_they_share_a_word_with_what_is_there():
    things = [Thing("cup", "red"), Thing("box", "blue"), Thing("banana", "yellow")]
    words = [missing_words(things, np.random.default_rng(seed)) for seed in range(300)]
    shared = [any(thing.category == c or thing.colour == k for thing in things) for c, k in words]
    assert 0.7 < np.mean(shared) < 0.95
    assert any(c == "cup" for c, _ in words)
    assert any(k == "red" for _, k in words)


def test_a_table_with_everything_leaves_no_words():
    with pytest.raises(LayoutError):
        missing_words([Thing(c, k) for c in GRASPABLE for k in COLOURS], np.random.default_rng(0))


class Eye:
    """Says the same of every picture."""

    name = "by hand"

    def __init__(self, status):
        self.status = status

    def view(self, image, *, stamp_ns=None, frame_id="camera"):
        self.frame = Frame(width=image.width, height=image.height, stamp_ns=stamp_ns, frame_id=frame_id)
        return self

    def find(self, phrase):
        best = Candidate(box=Box(x1=0.4, y1=0.4, x2=0.6, y2=0.6), probability=0.9)
        return Grounding(
            phrase=phrase,
            status=self.status,
            candidates=(best,),
            presence=0.5,
            frame=self.frame,
            model="",
            timings_ms={},
        )


@pytest.mark.parametrize("status", ["not_found", "cannot_tell", "ambiguous"])
def test_the_arm_stays_where_it_is_unless_the_thing_is_found(status):
    trial = absent_trial(Eye(status), 60_000, "cup")
    assert (trial.status, trial.started, trial.lifted) == (status, False, False)
    assert trial.phrase.startswith("the ")


def test_the_sums():
    trials = [
        AbsentTrial(1, "the red cup", "not_found", False, False),
        AbsentTrial(2, "the red box", "picked", True, True),
        AbsentTrial(3, "the red can", "not_picked", True, False),
        AbsentTrial(4, "the red jar", "not_picked", True, True),
    ]
    report = absent_summary(trials)
    assert report["absent_layouts"] == 4
    assert report["picked_wrong_object_when_absent"] == 2
    assert report["started_when_absent"] == 3
    assert report["absent_statuses"] == {"not_found": 1, "picked": 1, "not_picked": 2}
    assert report["picked_when_absent"] == ["2 the red box: picked", "4 the red jar: not_picked"]
