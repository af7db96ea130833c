"""A phrase for one thing that two fit is answered with a question, and with both."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.evaluation.label_folder import load_pictures, read_labels
from kosmos_agent.evaluation.matching import match
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.ambiguity import WRITTEN_FROM, offering, others_written
from kosmos_agent.inference.asked_again import asked_again
from kosmos_agent.inference.candidates import MOST_SHARED
from kosmos_agent.inference.clauses import parse
from kosmos_agent.inference.second_opinion import Opinion
from kosmos_agent.results import Box, Candidate, Frame, Grounding
from kosmos_agent.view import View

FOLDER = Path(__file__).parent / "data" / "fixed"
(APPLES,) = (item for item in load_pictures(FOLDER, read_labels(FOLDER)) if item.labels.image == "plural.jpg")
"""A green and a red apple and a pink book."""
BOXES = APPLES.labels.phrases[0].boxes


@pytest.fixture(scope="module")
def grounder() -> Grounder:
    """Of candidates for one phrase only the likeliest counts, so that nothing but its plural tells of another thing."""
    grounder = Grounder.load("tabletop")
    grounder.decision = replace(grounder.decision, rival=1.01)
    return grounder


@pytest.fixture(scope="module")
def view(grounder: Grounder) -> View:
    return grounder.view(APPLES.rgb)


def square(x: float, y: float, side: float = 0.1) -> Box:
    return Box(x1=x, y1=y, x2=x + side, y2=y + side)


def shared(box: Box, other: Box) -> float:
    """Of the smaller one's area, by the sides of what both cover."""
    width = max(0.0, min(box.x2, other.x2) - max(box.x1, other.x1))
    height = max(0.0, min(box.y2, other.y2) - max(box.y1, other.y1))
    return width * height / min(box.area, other.area)


def answer(*candidates: Candidate) -> Grounding:
    return Grounding(
        phrase="the cup", status="found", candidates=candidates, presence=0.9, frame=Frame(width=8, height=8),
        model="by hand", timings_ms={},
    )  # fmt: skip


places = st.builds(square, st.floats(0.0, 0.8), st.floats(0.0, 0.8), st.floats(0.02, 0.2))
written = st.lists(st.builds(lambda box, p: Candidate(box=box, probability=p), places, st.floats(0, 1)), max_size=8)


@given(places, written)
def test_others_are_things_apart_each_once_and_none_is_doubtful(best: Box, items: list[Candidate]) -> None:
    others = others_written([best], items)
    boxes = [best, *(item.box for item in others)]
    assert all(item in items and item.probability >= WRITTEN_FROM for item in others)
    assert all(shared(one, other) <= MOST_SHARED + 1e-6 for k, one in enumerate(boxes) for other in boxes[:k])
    likely = [item for item in items if item.probability >= WRITTEN_FROM and item not in others]
    assert all(any(shared(item.box, box) > MOST_SHARED - 1e-6 for box in boxes) for item in likely)


def test_what_fits_is_all_that_is_offered_the_best_first() -> None:
    best, noise = Candidate(box=square(0.1, 0.1), probability=0.8), Candidate(box=square(0.8, 0.8), probability=0.1)
    other = Candidate(box=square(0.5, 0.1), probability=0.4)
    told = offering(answer(best, noise), [best, other])
    assert told.status == "ambiguous"
    assert told.question == 'Which one is "the cup": the left one or the right one?'
    assert (told.candidates, told.meant) == ((best, other), ())


@pytest.mark.parametrize(
    ("phrase", "nothing"),
    [
        ("the cup", True), ("red cup", True), ("the cup that is red", True), ("a thing", True),
        ("the cups", False), ("both cups", False), ("the leftmost cup", False), ("the small cup", False),
        ("the second cup from the left", False), ("the cup on the left", False), ("the cup in the middle", False),
        ("the left cup", False), ("the rightmost", False), ("the cup to the left", False), ("cup left of plate", False),
        ("the tallest cup", False), ("the cup in front", False), ("one of the cups", False), ("any cup", False),
        ("the other cup", False), ("the cup.", True), ("a cup of tea", True), ("the cup left of the plate", False),
        ("the cup nearest to the plate", False),
    ],
)  # fmt: skip
def test_whoever_says_which_one_is_not_asked(phrase: str, nothing: bool) -> None:
    assert parse(phrase).claims_nothing_of_place == nothing


@pytest.mark.parametrize("phrase", ["the apple", "apple", "an apple"])
def test_two_apples_are_asked_about(view: View, phrase: str) -> None:
    found = view.find(phrase)
    assert found.status == "ambiguous"
    assert found.question == f'Which one is "{phrase}": the left one or the right one?'
    assert len(match([item.box for item in found.candidates], BOXES)) == len(found.candidates) == 2
    assert {"rivals", "opinion"} <= found.timings_ms.keys()


@pytest.mark.parametrize("phrase", ["the green apple", "the apple that is red", "the pink book", "the leftmost apple"])
def test_what_only_one_fits_is_found(view: View, phrase: str) -> None:
    found = view.find(phrase)
    assert (found.status, found.question) == ("found", None)


def test_many_phrases_are_judged_as_each_alone(view: View) -> None:
    phrases = ["the green apple", "the apple", "the purple elephant", "the apples", "the pink book"]
    together = view.find_all(phrases)
    assert [item.status for item in together] == [view.find(phrase).status for phrase in phrases]


def test_a_thing_that_the_phrase_does_not_fit_is_no_rival(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    def doubtful(looks: object, zoom: object, boxes: list[Box], heads: list[str]) -> list[Opinion]:
        assert len(boxes) == 2
        return [Opinion("an apple", -0.1), Opinion("a pear", -1.5)]

    monkeypatch.setattr("kosmos_agent.inference.asked_again.opinions", doubtful)
    assert view.find("the apple").status == "found"


def test_a_single_look_does_not_ask_further(grounder: Grounder, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("kosmos_agent.inference.rivals.write_boxes", never)
    assert grounder.view(APPLES.rgb).find("the apple", zoom=False).status in ("found", "ambiguous")


@pytest.mark.parametrize(
    ("log_p", "status", "kept"),
    [((-9.0, -9.0), "cannot_tell", 2), ((-9.0, -0.1), "found", 1), ((-0.1, -9.0), "found", 1),
     ((-9.0, -1.0), "cannot_tell", 1), ((-0.1, -2.0), "ambiguous", 2)],
)  # fmt: skip
def test_rivals_that_are_contradicted_leave_what_is_borne_out(
    view: View, monkeypatch: pytest.MonkeyPatch, log_p: tuple[float, float], status: str, kept: int
) -> None:
    monkeypatch.setattr(
        "kosmos_agent.inference.asked_again.opinions",
        lambda looks, zoom, boxes, heads: [Opinion("a pear", value) for value in log_p],
    )
    things = [Candidate(box=box, probability=0.9 - 0.1 * k) for k, box in enumerate(BOXES)]
    asked = offering(answer(*things), things)
    closer = view._looks(None)
    (told,) = asked_again(closer, view.grounder.zoom, [asked], [parse("the cup")], {}, 0.5)
    assert (told.status, len(told.candidates)) == (status, kept)
    assert (told.question is not None) == (status == "ambiguous")
    assert told.called == ("a pear" if kept == 2 and status == "cannot_tell" else None)
    if kept == 1:
        assert told.best == things[log_p.index(max(log_p))]
    (unsure,) = asked_again(closer, view.grounder.zoom, [asked], [parse("the cup")], {}, 0.95)
    assert unsure.status != "found"
