"""Several pictures read and asked in one pass say what each says by itself."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kosmos_agent.asks import AnswerAsk, CaptionAsk, DescribeAsk, FindAsk
from kosmos_agent.errors import InvalidArgumentError, InvalidPhraseError
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.corners import score_corners
from kosmos_agent.inference.corners_together import score_corners_together
from kosmos_agent.inference.frame import encode_frames
from kosmos_agent.results import Box
from kosmos_agent.serving.jobs import Picture
from kosmos_agent.serving.looking import ModelLooker
from kosmos_agent.serving.worker import Worker
from kosmos_agent.views import find_together, view_together

FIXED = Path(__file__).parent / "data" / "fixed"
PHRASES = (
    ["the orange plate", "the pot right of the orange plate", "the cup on the left"],
    ["the red cup"],
    ["the largest thing", "the orange plate"],
)


@pytest.fixture(scope="module")
def grounder():
    """In bfloat16, rounding depends on what is read together."""
    return Grounder.load("tabletop", dtype="float32", threads=1)


@pytest.fixture(scope="module")
def pictures():
    paths = sorted(FIXED.glob("*.jpg"))[:3]
    return [np.asarray(Image.open(path).convert("RGB")) for path in paths]


@pytest.fixture(scope="module")
def alone(grounder, pictures):
    """The answers of one picture at a time, and one phrase at a time."""
    views = [grounder.view(rgb) for rgb in pictures]
    return [[view.find(phrase) for phrase in phrases] for view, phrases in zip(views, PHRASES, strict=True)]


def same(answer, other):
    assert (answer.phrase, answer.status, answer.count) == (other.phrase, other.status, other.count)
    assert answer.presence == pytest.approx(other.presence, abs=1e-4)
    assert [clause.model_dump(exclude={"anchor_box"}) for clause in answer.clauses] == [
        clause.model_dump(exclude={"anchor_box"}) for clause in other.clauses
    ]
    mine, theirs = (item.candidates[:1] for item in (answer, other))
    assert len(mine) == len(theirs)
    for candidate, twin in zip(mine, theirs, strict=True):
        assert candidate.box.corners == pytest.approx(twin.box.corners, abs=1e-4)
        assert candidate.probability == pytest.approx(twin.probability, abs=1e-4)


def test_answers_of_one_pass_are_those_of_one_at_a_time(grounder, pictures, alone):
    views = view_together(grounder, [(rgb, 7, "left") for rgb in pictures])
    assert {(view.frame.stamp_ns, view.frame.frame_id) for view in views} == {(7, "left")}
    found = find_together([(view, phrases, None) for view, phrases in zip(views, PHRASES, strict=True)])
    for answers, others in zip(found, alone, strict=True):
        for answer, other in zip(answers, others, strict=True):
            same(answer, other)


def test_each_question_has_its_own_zoom(grounder, pictures):
    views = view_together(grounder, [(pictures[0], None, ""), (pictures[0], None, "")])
    (with_zoom,), (without,) = find_together([(views[0], PHRASES[0][:1], True), (views[1], PHRASES[0][:1], False)])
    assert ("zoom" in with_zoom.timings_ms, "zoom" in without.timings_ms) == (True, False)
    worker = Worker(ModelLooker(grounder))
    job = worker.ask("robot", FindAsk(phrases=tuple(PHRASES[1]), zoom=False), Picture(pictures[1], 0.0), timeout_s=1e9)
    worker.step()
    assert "zoom" not in job.future.result(0).answers[0].timings_ms


def test_scores_of_the_pass_are_those_of_each_picture(grounder, pictures):
    model, tokenizer, processor = grounder.model, grounder.tokenizer, grounder.processor
    frames = encode_frames(model, processor, pictures)
    texts = [[tokenizer.encode_words(f"<grounding><phrase> {word}</phrase>") for word in some] for some in PHRASES]
    texts[1] = []
    found = score_corners_together(model, tokenizer, [frames.row(k) for k in range(3)], texts)
    assert [len(some) for some in found] == [3, 0, 2]
    for picture, some, scores in zip(pictures, texts, found, strict=True):
        if some:
            (single,) = score_corners(model, tokenizer, [encode_frames(model, processor, [picture])], [some])
            for mine, theirs in zip(scores, single, strict=True):
                assert mine.object_log_odds == pytest.approx(theirs.object_log_odds, abs=1e-3)
                assert mine.pairs[0].pair == theirs.pairs[0].pair
                assert mine.pairs[0].probability == pytest.approx(theirs.pairs[0].probability, abs=1e-4)


def test_frames_of_several_pictures_are_refused(grounder, pictures):
    frames = encode_frames(grounder.model, grounder.processor, pictures)
    with pytest.raises(InvalidArgumentError, match="do not go together"):
        score_corners_together(grounder.model, grounder.tokenizer, [frames, frames.row(0)], [[], []])
    with pytest.raises(InvalidPhraseError):
        find_together([(view, [""], None) for view in view_together(grounder, [(rgb, None, "") for rgb in pictures])])
    assert view_together(grounder, []) == []


def test_the_queue_says_what_a_view_says(grounder, pictures, alone):
    """Questions of several robots and a camera's standing phrases, through the scheduler and the real model."""
    clock = iter(range(10**6))
    worker = Worker(ModelLooker(grounder), now_s=lambda: next(clock) * 1e-6)
    heard = []
    worker.watch("camera", PHRASES[0], heard.append)
    worker.show("camera", Picture(pictures[0], 0.0))
    jobs = [
        worker.ask(f"robot {k}", FindAsk(phrases=tuple(PHRASES[k])), Picture(pictures[k], 0.0, digest=b"%d" % k))
        for k in (1, 2)
    ]
    box = Box(x1=0.2, y1=0.2, x2=0.6, y2=0.6)
    asks = (CaptionAsk(), DescribeAsk(boxes=(box,)), AnswerAsk(questions=("how many cups are there?",)))
    texts = [worker.ask("robot 1", ask, Picture(pictures[1], 0.0, digest=b"1")) for ask in asks]
    while worker.step():
        pass
    for answers, others in zip([heard[0].answers, *(job.future.result(0).answers for job in jobs)], alone, strict=True):
        for answer, other in zip(answers, others, strict=True):
            same(answer, other)
    view = grounder.view(pictures[1])
    expected = [view.caption(), view.describe(box), view.answer("how many cups are there?")]
    assert [job.future.result(0).answers[0].text for job in texts] == [text.text for text in expected]
