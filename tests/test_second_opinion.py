"""Asked what lies in a box, the model bears a phrase out or contradicts it; what is contradicted is not found."""

from __future__ import annotations

from pathlib import Path

import pytest

from kosmos_agent.cli._output import print_grounding
from kosmos_agent.evaluation.label_folder import load_pictures, read_labels
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.second_opinion import Opinion, opinions
from kosmos_agent.results import with_opinion
from kosmos_agent.robot.pick import Sighting, pick_by_sight
from kosmos_agent.skills.reports import FindReport, ImageNote
from kosmos_agent.skills.wording import text_of
from kosmos_agent.view import View

FOLDER = Path(__file__).parent / "data" / "fixed"
(APPLES,) = (item for item in load_pictures(FOLDER, read_labels(FOLDER)) if item.labels.image == "plural.jpg")
"""A green and a red apple and a pink book."""
GREEN, RED = sorted(APPLES.labels.phrases[0].boxes, key=lambda box: box.x1)


@pytest.fixture(scope="module")
def grounder() -> Grounder:
    return Grounder.load("tabletop")


@pytest.fixture(scope="module")
def view(grounder: Grounder) -> View:
    return grounder.view(APPLES.rgb)


@pytest.mark.parametrize(
    ("head", "contradicted"),
    [
        ("the green apple", False),
        ("apple", False),
        ("the green thing", False),
        ("the apple that is green", False),
        ("the thing", False),
        ("the xylophone", False),
        ("the red apple", True),
        ("the green book", True),
        ("the pink book", True),
    ],
)
def test_words_are_borne_out_or_contradicted_and_what_says_nothing_is_neither(
    view: View, head: str, contradicted: bool
) -> None:
    (opinion,) = opinions(view._looks(None), view.grounder.zoom, [GREEN], [head])
    assert opinion.contradicts == contradicted
    assert opinion.words == "a green apple"


def test_many_boxes_are_asked_about_as_each_alone(view: View) -> None:
    looks, zoom = view._looks(None), view.grounder.zoom
    boxes, heads = [GREEN, RED] * 5, ["the green apple", "the green apple"] * 5
    together = opinions(looks, zoom, boxes, heads)
    alone = [opinions(looks, zoom, [box], [head])[0] for box, head in zip(boxes[:2], heads[:2], strict=True)]
    for k, opinion in enumerate(together):
        assert opinion.words == alone[k % 2].words
        assert opinion.log_probability == pytest.approx(alone[k % 2].log_probability, abs=1e-3)


def test_a_thing_that_is_called_otherwise_is_not_found(view: View, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = view.find("the green apple")
    assert (plain.status, plain.called) == ("found", None)
    assert "opinion" in plain.timings_ms
    said = Opinion("a green pear", -9.0)
    monkeypatch.setattr(
        "kosmos_agent.inference.asked_again.opinions", lambda looks, zoom, boxes, heads: [said] * len(boxes)
    )
    doubted = view.find("the green apple")
    assert (doubted.status, doubted.called) == ("cannot_tell", "a green pear")
    assert doubted.candidates == plain.candidates


def test_every_face_says_why_it_is_not_sure(view: View, capsys: pytest.CaptureFixture[str]) -> None:
    doubted = with_opinion(view.find("the green apple"), "a green pear")
    print_grounding(doubted)
    assert "looks like 'a green pear'" in capsys.readouterr().out
    course = pick_by_sight("the green apple", lambda begin: Sighting(doubted), None, max_looks=1)
    assert "looks like 'a green pear'" in course.message
    note = ImageNote(stamp_ns=1, age_s=0.0, width=8, height=8, frame_id="camera")
    report = FindReport(status="cannot_tell", image=note, timings_ms={}, answer=doubted, target_ids=())
    assert "looks like <scene-text>a green pear</scene-text>" in text_of(report)


def test_nobody_asks_where_nothing_was_found_or_looks_are_single(grounder: Grounder, monkeypatch) -> None:
    def never(*_: object) -> None:
        raise AssertionError

    monkeypatch.setattr("kosmos_agent.inference.asked_again.opinions", never)
    view = grounder.view(APPLES.rgb)
    assert view.find("the purple elephant").status != "found"
    assert view.find("the green apple", zoom=False).status == "found"
