"""The pictures of a report: the worst mistakes, and the diagrams."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kosmos_agent.drawing.sheets import contact_sheet, strip
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.labelled import LabelledPhrase
from kosmos_agent.evaluation.mistakes import WorstMistakes, certainty_of_mistake, mistakes_sheet
from kosmos_agent.evaluation.plots import write_plots
from kosmos_agent.evaluation.run import Evaluation
from kosmos_agent.results import Box, Candidate, Frame, Grounding

HERE, THERE = Box(x1=0.1, y1=0.1, x2=0.4, y2=0.4), Box(x1=0.6, y1=0.6, x2=0.9, y2=0.9)
PRESENT = LabelledPhrase("the cup", "category", (HERE,))
ABSENT = LabelledPhrase("the box", "absent", ())
GREY = np.full((48, 64, 3), 128, np.uint8)


def answered(box, probability, status="found", presence=0.75):
    return Grounding(
        phrase="the cup",
        status=status,
        candidates=() if box is None else (Candidate(box=box, probability=probability),),
        presence=presence,
        frame=Frame(width=64, height=48),
        model="by hand",
        timings_ms={},
    )


@pytest.mark.parametrize(
    ("phrase", "answer", "certainty"),
    [
        (PRESENT, answered(HERE, 0.9), None),
        (PRESENT, answered(THERE, 0.9), 0.9),
        (PRESENT, answered(THERE, 0.2, "cannot_tell"), 0.2),
        (PRESENT, answered(HERE, 0.9, "not_found", presence=0.25), 0.75),
        (PRESENT, answered(None, 0.0, "cannot_tell"), None),
        (ABSENT, answered(HERE, 0.6), 0.6),
        (ABSENT, answered(HERE, 0.6, "not_found"), None),
        (ABSENT, answered(HERE, 0.6, "cannot_tell"), None),
        (LabelledPhrase("the cups", "plural", (HERE, THERE)), answered(None, 0.0, "not_found"), None),
    ],
)
def test_how_sure_a_mistake_was(phrase, answer, certainty):
    assert certainty_of_mistake(phrase, answer) == certainty


@given(st.lists(st.integers(0, 20).map(lambda value: value / 20), max_size=30), st.integers(1, 6))
def test_the_surest_mistakes_are_kept(probabilities, limit):
    worst = WorstMistakes(limit)
    for p in probabilities:
        worst.add(GREY, PRESENT, answered(THERE, p))
        worst.add(GREY, PRESENT, answered(HERE, 1.0))
    assert [mistake.certainty for mistake in worst] == sorted(probabilities, reverse=True)[:limit]


def test_the_sheet_shows_what_is_true_and_what_was_said():
    worst = WorstMistakes()
    worst.add(GREY, PRESENT, answered(THERE, 0.5))
    sheet = np.asarray(mistakes_sheet(worst)).astype(int)
    bright = (sheet > 235).all(axis=-1)
    assert bright[: sheet.shape[0] // 2, : sheet.shape[1] // 2].any(), "the true box, top left"
    green = (sheet[..., 1] - sheet[..., 0]) > 60
    assert green[sheet.shape[0] // 2 :, sheet.shape[1] // 2 :].any(), "the answer, bottom right"
    assert not green[: sheet.shape[0] // 2, : sheet.shape[1] // 2].any()


def test_a_contact_sheet_is_rows_of_strips():
    panels = [(str(number), GREY) for number in range(5)]
    sheet, row = contact_sheet(panels, columns=2, height_px=60), strip(panels[:2], height_px=60)
    assert sheet.size == (row.width, 3 * row.height)
    assert np.array_equal(np.asarray(sheet)[: row.height], np.asarray(row))
    with pytest.raises(InvalidArgumentError, match="no pictures"):
        contact_sheet([])
    with pytest.raises(InvalidArgumentError, match="0 columns"):
        contact_sheet(panels, columns=0)


def test_a_full_report_is_four_pictures(tmp_path):
    evaluation = Evaluation()
    for phrase, answer in (
        (PRESENT, answered(HERE, 0.9)),
        (PRESENT, answered(THERE, 0.4)),
        (ABSENT, answered(HERE, 0.2)),
    ):
        evaluation.grounding.add(phrase, answer)
        evaluation.mistakes.add(GREY, phrase, answer)
    names = write_plots(tmp_path, evaluation)
    assert names == ["reliability.png", "presence.png", "accuracy.png", "mistakes.jpg"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert all(min(Image.open(tmp_path / name).size) > 100 for name in names)


def test_what_was_not_asked_is_not_drawn(tmp_path):
    evaluation = Evaluation()
    evaluation.grounding.add(PRESENT, answered(HERE, 0.9))
    assert write_plots(tmp_path, evaluation) == ["reliability.png", "accuracy.png"]
    assert write_plots(tmp_path, Evaluation()) == []
