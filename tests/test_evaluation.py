"""A `Grounder` run over labelled pictures: what is counted, and what the report holds."""

import numpy as np
import pytest
from tiny_kosmos import tiny_grounder

from kosmos_agent.evaluation.grounding import GroundingReport
from kosmos_agent.evaluation.labelled import (
    LabelledPhrase,
    LabelledPicture,
    LabelledQuestion,
    LabelledRegion,
    LabelledThing,
    PictureLabels,
)
from kosmos_agent.evaluation.run import Evaluation, evaluate
from kosmos_agent.results import Box, Candidate, Frame, Grounding

SMALL = Box(x1=0.0, y1=0.0, x2=0.0625, y2=0.0625)
MIDDLE = Box(x1=0.5, y1=0.5, x2=0.625, y2=0.5625)
LARGE = Box(x1=0.25, y1=0.25, x2=0.75, y2=0.75)
ABSENT = LabelledPhrase("a box", "absent", ())
PRESENT = LabelledPhrase("the cup", "plain", (LARGE,))


def answered(*boxes, presence=0.75, status="found", probability=0.5, count="one"):
    return Grounding(
        phrase="the cup",
        status=status,
        count=count,
        candidates=tuple(Candidate(box=box, probability=probability) for box in boxes),
        presence=presence,
        frame=Frame(width=64, height=48),
        model="by hand",
        timings_ms={},
    )


@pytest.fixture(scope="module")
def pictures():
    noise = np.random.default_rng(0).integers(0, 255, (2, 48, 64, 3), dtype=np.uint8)
    thing = LabelledThing(LARGE, "red", "cup", True)
    question = LabelledQuestion("what is left of the box", "what is where", ("a cup",))
    return [
        LabelledPicture(noise[0], PictureLabels("0.png", (PRESENT, ABSENT), (), (thing,))),
        LabelledPicture(
            noise[1],
            PictureLabels(
                "1.png",
                (
                    LabelledPhrase("the red cup", "attribute", (SMALL,)),
                    LabelledPhrase("the blue box", "attribute", (MIDDLE,)),
                    LabelledPhrase("cup", "plural", (SMALL, LARGE)),
                ),
                (LabelledRegion(LARGE, "red", "cup"),) * 2,
                (),
                (question,),
            ),
        ),
        LabelledPicture(noise[1], PictureLabels("2.png")),
    ]


def test_a_report_holds_every_figure_and_counts_each_label_once(pictures):
    report = evaluate(tiny_grounder(1), pictures).summary()
    assert {"accuracy_iou50", "accuracy_iou75", "mean_iou", "by_kind", "by_size", "by_kind_ge12"} <= report.keys()
    assert {"presence_auroc", "false_found_rate", "missed_rate", "ece", "plural_f1"} <= report.keys()
    assert (report["pictures"], report["n"], report["n_present"], report["n_absent"]) == (3, 3, 4, 1)
    assert (report["n_plural"], report["n_probabilities"]) == (1, 4)
    assert (report["n_described"], report["n_captions"], report["n_questions"]) == (2, 1, 1)
    assert {size: found["n"] for size, found in report["by_size"].items()} == {"lt7": 1, "7to12": 1, "ge12": 1}
    assert {kind: found["n"] for kind, found in report["by_kind"].items()} == {"attribute": 2, "plain": 1}
    assert 0 <= report["accuracy_iou75"] <= report["accuracy_iou50"] <= 1


def test_the_figures_are_those_of_the_answers_that_a_view_gives(pictures):
    grounders = map(tiny_grounder, range(20))
    grounder = next(g for g in grounders if len(g.view(pictures[0].rgb).find_each("cup").candidates) > 1)
    view = grounder.view(pictures[0].rgb)
    one, many = view.find("the cup").best.box, view.find_each("cup").candidates
    several = LabelledPhrase("cup", "plural", tuple(candidate.box for candidate in many))
    labels = PictureLabels("0.png", (LabelledPhrase("the cup", "plain", (one,)), several))
    report = evaluate(grounder, [LabelledPicture(pictures[0].rgb, labels)]).summary()
    assert (report["n"], report["accuracy_iou75"], report["mean_iou"]) == (1, 1.0, pytest.approx(1.0))
    assert report["plural_f1"] == 1.0


def test_half_the_box_is_a_hit_at_one_half():
    report = GroundingReport()
    report.add(PRESENT, answered(Box(x1=0.25, y1=0.25, x2=0.5, y2=0.75)))
    summary = report.summary()
    assert (summary["mean_iou"], summary["accuracy_iou50"], summary["accuracy_iou75"]) == (0.5, 1.0, 0.0)


def test_an_answer_without_a_box_is_a_miss():
    report = GroundingReport()
    report.add(PRESENT, answered())
    assert (report.summary()["n"], report.summary()["accuracy_iou50"]) == (1, 0.0)
    assert (report.summary()["n_probabilities"], report.summary()["ece"]) == (0, None)


def test_plural_and_absent_phrases_are_no_hits_or_misses_of_one_thing():
    report = GroundingReport()
    report.add(LabelledPhrase("cups", "plural", (SMALL, LARGE)), answered(SMALL, presence=0.9, count="many"))
    report.add(ABSENT, answered(SMALL, presence=0.4))
    summary = report.summary()
    assert summary["presence_auroc"] == 1.0
    assert (summary["n"], report.present, report.absent) == (0, [0.9], [0.4])
    assert summary["plural_f1"] == pytest.approx(2 / 3)
    assert summary["n_plural"] == 1


def test_rates_count_statuses_of_what_is_there_and_of_what_is_not():
    report = GroundingReport()
    for status in ("found", "not_found", "cannot_tell", "ambiguous"):
        report.add(PRESENT, answered(LARGE, status=status))
    for status in ("found", "not_found", "not_found", "ambiguous", "cannot_tell"):
        report.add(ABSENT, answered(LARGE, status=status))
    report.add(LabelledPhrase("cups", "plural", (SMALL, LARGE)), answered(SMALL, status="not_found", count="many"))
    summary = report.summary()
    assert (summary["missed_rate"], summary["false_found_rate"]) == (1 / 4, 1 / 5)
    assert summary["statuses"]["absent"]["not_found"] == 2
    assert summary["found"]["n"] == 1


def test_questions_count_where_several_fit_and_where_one_does():
    report = GroundingReport()
    either = LabelledPhrase("the cup", "ambiguous", (SMALL, LARGE))
    for status, boxes in (("ambiguous", (SMALL, LARGE)), ("ambiguous", (SMALL, MIDDLE)), ("found", (SMALL,))):
        report.add_ambiguous(either, answered(*boxes, status=status))
    for status in ("found", "ambiguous", "found", "not_found"):
        report.add(PRESENT, answered(LARGE, status=status))
    summary = report.summary()
    assert (summary["asked_rate"], summary["n_ambiguous"], summary["n_asked"]) == (pytest.approx(2 / 3), 3, 2)
    assert summary["choices_f1"] == pytest.approx(3 / 4)
    assert summary["needlessly_asked_rate"] == 1 / 4
    assert (summary["n"], summary["n_present"]) == (4, 4)


@pytest.mark.parametrize(
    ("right", "wrong", "absent", "error"),
    [(3, 1, 0, 0.0), (4, 0, 0, 0.25), (0, 2, 2, 0.75), (3, 0, 1, 0.0), (2, 0, 2, 0.25)],
)
def test_a_probability_is_right_where_the_best_box_is_and_nowhere_where_nothing_is(right, wrong, absent, error):
    report = GroundingReport()
    phrases = [(PRESENT, LARGE)] * right + [(PRESENT, SMALL)] * wrong + [(ABSENT, LARGE)] * absent
    for phrase, box in phrases:
        report.add(phrase, answered(box, probability=0.75))
    assert report.summary()["ece"] == pytest.approx(error)


def test_nothing_asked_is_no_figure():
    summary = Evaluation().summary()
    for key in ("asked_rate", "needlessly_asked_rate", "choices_f1"):
        assert summary[key] is None
    for key in ("false_found_rate", "missed_rate", "ece", "plural_f1", "describe_accuracy", "caption_f1"):
        assert summary[key] is None
    assert (summary["n"], summary["pictures"]) == (0, 0)
