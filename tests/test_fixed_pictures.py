"""A dozen fixed pictures through the shipped model: what it gets right stays right."""

from itertools import islice
from pathlib import Path

import pytest
from kosmos_sim.fixed_pictures import fixed_pictures

from kosmos_agent.evaluation.label_folder import load_pictures, read_labels
from kosmos_agent.evaluation.matching import match
from kosmos_agent.grounder import Grounder

FOLDER = Path(__file__).parent / "data" / "fixed"
CASES = {item.labels.phrases[0].kind: item for item in load_pictures(FOLDER, read_labels(FOLDER))}
WRONG_TODAY: dict[str, str] = {}
"""Case -> what the shipped weights do instead. A case that comes right must leave this list."""


@pytest.fixture(scope="module")
def grounder():
    return Grounder.load("tabletop")


def cases(*names):
    marks = {name: pytest.mark.xfail(reason=reason, strict=True) for name, reason in WRONG_TODAY.items()}
    return [pytest.param(name, marks=marks.get(name, ())) for name in names]


@pytest.mark.parametrize(
    "case",
    cases("attribute", "category", "colour", "relation", "superlative", "ordinal", "size", "occluded", "tiny"),
)
def test_one_thing_is_found_where_it_is(grounder, case):
    (phrase,) = CASES[case].labels.phrases
    answer = grounder.view(CASES[case].rgb).find(phrase.text)
    assert answer.status == "found"
    assert answer.best.box.iou(phrase.boxes[0]) >= 0.5
    assert all(clause.state != "fails" for clause in answer.clauses)


@pytest.mark.parametrize("case", cases("absent"))
def test_what_is_not_there_is_not_found(grounder, case):
    (phrase,) = CASES[case].labels.phrases
    assert grounder.view(CASES[case].rgb).find(phrase.text).status == "not_found"


@pytest.mark.parametrize("case", cases("ambiguous"))
def test_two_that_fit_are_asked_about(grounder, case):
    (phrase,) = CASES[case].labels.phrases
    answer = grounder.view(CASES[case].rgb).find(phrase.text)
    assert answer.status == "ambiguous"
    assert answer.question
    assert len(match([item.box for item in answer.candidates], phrase.boxes)) == 2


@pytest.mark.parametrize("case", cases("plural"))
def test_all_of_several_are_found(grounder, case):
    (phrase,) = CASES[case].labels.phrases
    answer = grounder.view(CASES[case].rgb).find_each(phrase.text)
    assert answer.count == "many"
    assert len(answer.meant) == len(phrase.boxes)
    assert len(match([item.box for item in answer.meant], phrase.boxes)) == len(phrase.boxes)


def test_every_case_is_asked():
    asked = {"attribute", "category", "colour", "relation", "superlative", "ordinal", "size", "occluded", "tiny"}
    assert set(CASES) == asked | {"absent", "ambiguous", "plural"}


def test_the_pictures_are_those_that_the_simulation_makes():
    for made in islice(fixed_pictures(), 2):
        kept = CASES[made.labels.phrases[0].kind]
        (phrase,), (other,) = kept.labels.phrases, made.labels.phrases
        assert phrase.text == other.text
        for box, again in zip(phrase.boxes, other.boxes, strict=True):
            assert box.iou(again) > 0.95
        assert abs(kept.rgb.astype(float) - made.rgb).mean() < 5
