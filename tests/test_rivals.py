"""With "the apple nearest to the book" comes where the other apples are."""

from __future__ import annotations

from pathlib import Path

import pytest

from kosmos_agent.evaluation.label_folder import load_pictures, read_labels
from kosmos_agent.evaluation.matching import match
from kosmos_agent.grounder import Grounder
from kosmos_agent.view import View

FOLDER = Path(__file__).parent / "data" / "fixed"
(APPLES,) = (item for item in load_pictures(FOLDER, read_labels(FOLDER)) if item.labels.image == "plural.jpg")
"""Two apples and a book."""


@pytest.fixture(scope="module")
def view() -> View:
    return Grounder.load("tabletop", zoom=False, both_ways=False).view(APPLES.rgb)


@pytest.mark.parametrize("wording", ["nearest to", "closest to"])
def test_the_others_of_its_name_come_with_the_claim(view: View, wording: str) -> None:
    (clause,) = view.find(f"the apple {wording} the pink book").clauses
    true_boxes = APPLES.labels.phrases[0].boxes
    assert len(match(clause.rival_boxes, true_boxes)) == len(true_boxes) == len(clause.rival_boxes)
    assert clause.state == "unsure"


def test_other_claims_have_no_rivals(view: View) -> None:
    near, beside, plain = view.find_all(
        ["the apple nearest to the pink book", "the apple left of the pink book", "the pink book"]
    )
    assert len(near.clauses[0].rival_boxes) == 2
    assert beside.clauses[0].rival_boxes == plain.clauses == ()
    assert "rivals" in near.timings_ms
