"""A `Grounder` run over labelled pictures: what is counted, and what the report holds."""

import numpy as np
import pytest
from tiny_kosmos import tiny_grounder

from kosmos_agent.evaluation.grounding import GroundingReport, LabelledPhrase, evaluate_grounding
from kosmos_agent.results import Box, Candidate, Frame, Grounding

SMALL = Box(x1=0.0, y1=0.0, x2=0.0625, y2=0.0625)
MIDDLE = Box(x1=0.5, y1=0.5, x2=0.625, y2=0.5625)
LARGE = Box(x1=0.25, y1=0.25, x2=0.75, y2=0.75)


def answered(box, presence=0.75):
    candidates = () if box is None else (Candidate(box=box, probability=0.5),)
    return Grounding(
        phrase="the cup",
        status="found",
        candidates=candidates,
        presence=presence,
        frame=Frame(width=64, height=48),
        model="by hand",
        timings_ms={},
    )


@pytest.fixture(scope="module")
def pictures():
    noise = np.random.default_rng(0).integers(0, 255, (2, 48, 64, 3), dtype=np.uint8)
    return [
        (noise[0], [LabelledPhrase("the cup", "plain", (LARGE,)), LabelledPhrase("a box", "absent", ())]),
        (
            noise[1],
            [
                LabelledPhrase("the red cup", "attribute", (SMALL,)),
                LabelledPhrase("the blue box", "attribute", (MIDDLE,)),
                LabelledPhrase("cup", "plural", (SMALL, LARGE)),
            ],
        ),
        (noise[1], []),
    ]


def test_a_report_holds_every_figure_and_counts_each_phrase_once(pictures):
    report = evaluate_grounding(tiny_grounder(1), pictures).summary()
    assert {"n", "accuracy_iou50", "accuracy_iou75", "mean_iou", "by_kind", "by_size", "by_kind_ge12"} <= report.keys()
    assert (report["n"], report["n_present"], report["n_absent"]) == (3, 4, 1)
    assert {size: found["n"] for size, found in report["by_size"].items()} == {"lt7": 1, "7to12": 1, "ge12": 1}
    assert {kind: found["n"] for kind, found in report["by_kind"].items()} == {"attribute": 2, "plain": 1}
    assert 0 <= report["accuracy_iou75"] <= report["accuracy_iou50"] <= 1


def test_the_figures_are_those_of_the_answers_that_a_view_gives(pictures):
    grounder = tiny_grounder(2)
    truth = grounder.view(pictures[0][0]).find("the cup").best.box
    phrases = [LabelledPhrase("the cup", "plain", (truth,))]
    report = evaluate_grounding(grounder, [(pictures[0][0], phrases)]).summary()
    assert (report["n"], report["accuracy_iou75"], report["mean_iou"]) == (1, 1.0, pytest.approx(1.0))


def test_half_the_box_is_a_hit_at_one_half():
    report = GroundingReport()
    report.add(LabelledPhrase("the cup", "plain", (LARGE,)), answered(Box(x1=0.25, y1=0.25, x2=0.5, y2=0.75)))
    summary = report.summary()
    assert (summary["mean_iou"], summary["accuracy_iou50"], summary["accuracy_iou75"]) == (0.5, 1.0, 0.0)


def test_an_answer_without_a_box_is_a_miss():
    report = GroundingReport()
    report.add(LabelledPhrase("the cup", "plain", (LARGE,)), answered(None))
    assert (report.summary()["n"], report.summary()["accuracy_iou50"]) == (1, 0.0)


def test_plural_and_absent_phrases_count_for_presence_alone():
    report = GroundingReport()
    report.add(LabelledPhrase("cups", "plural", (SMALL, LARGE)), answered(SMALL, presence=0.9))
    report.add(LabelledPhrase("a box", "absent", ()), answered(SMALL, presence=0.4))
    assert report.summary()["presence_auroc"] == 1.0
    assert (report.summary()["n"], report.present, report.absent) == (0, [0.9], [0.4])
