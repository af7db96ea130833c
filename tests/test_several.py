"""All the things that a plural phrase names: box after box, each as greedy decoding writes it."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_kosmos import TOKENIZER, tiny_grounder, tiny_model

from kosmos_agent import prompts
from kosmos_agent.errors import CancelledError, InvalidPhraseError
from kosmos_agent.inference.candidates import Decision
from kosmos_agent.inference.corners import score_corners
from kosmos_agent.inference.frame import continue_frame, encode_frame
from kosmos_agent.inference.generate import Decoding, generate
from kosmos_agent.inference.packed import PackedPhrases
from kosmos_agent.inference.scored_pairs import ScoredPair
from kosmos_agent.inference.several import (
    MOST_BOXES,
    SAME_BOX_IOU,
    WrittenBox,
    WrittenBoxes,
    candidates_of,
    joined,
    write_boxes,
)
from kosmos_agent.processor import Processor
from kosmos_agent.results import Box, Candidate, Frame, Grounding

PICTURE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
PHRASES = ("the red cup", "box", "the cup left of the blue box")
TEXTS = [TOKENIZER.encode_words(prompts.phrase_grounding(phrase)) for phrase in PHRASES]


def framed(seed):
    model = tiny_model(seed)
    return model, encode_frame(model, Processor.for_config(TOKENIZER, model.config), PICTURE)


def greedy_pairs(model, frame, text, most):
    """What free greedy decoding under the grammar writes behind `<object>`, up to the first `</object>`."""
    prompt = continue_frame(model, frame, [[*text, TOKENIZER.object_id]], room=3 * most)
    ids = generate(model, TOKENIZER, prompt, Decoding(max_new_tokens=3 * most))[0].ids
    end = ids.index(TOKENIZER.object_end_id) if TOKENIZER.object_end_id in ids else len(ids)
    cells = [index for token in ids[:end] if (index := TOKENIZER.location_index(token)) is not None]
    return list(zip(cells[::2], cells[1::2], strict=False))


@pytest.mark.parametrize("seed", range(6))
def test_boxes_are_those_of_greedy_decoding(seed):
    model, frame = framed(seed)
    for text, written in zip(TEXTS, write_boxes(model, TOKENIZER, frame, TEXTS, most=5), strict=True):
        assert [box.pairs[0].pair for box in written.boxes] == greedy_pairs(model, frame, text, 5)


def test_some_models_write_one_box_and_some_write_many():
    counts = {
        len(write_boxes(*[model, TOKENIZER, frame], TEXTS[:1])[0].boxes) for model, frame in map(framed, range(6))
    }
    assert min(counts) == 1
    assert 1 < max(counts) <= MOST_BOXES


def test_the_first_box_is_scored_like_that_of_a_single_thing():
    model, frame = framed(1)
    for single, written in zip(
        score_corners(model, TOKENIZER, [frame], [TEXTS])[0], write_boxes(model, TOKENIZER, frame, TEXTS), strict=True
    ):
        assert written.boxes[0].opened == pytest.approx(single.presence, rel=1e-4)
        first = {scored.pair: scored.probability for scored in written.boxes[0].pairs}
        for scored in list(single.pairs)[:20]:
            assert first[scored.pair] == pytest.approx(scored.probability, rel=1e-3, abs=1e-6)


def test_each_further_box_is_less_certain_to_be_opened():
    for model, frame in map(framed, range(6)):
        opened = [box.opened for box in write_boxes(model, TOKENIZER, frame, TEXTS[:1])[0].boxes]
        assert opened == sorted(opened, reverse=True)


@torch.no_grad()
def test_what_was_only_tried_leaves_no_trace():
    model, frame = framed(2)
    alone, tried = (PackedPhrases(model, frame, 40) for _ in range(2))
    for packed in (alone, tried):
        packed.read(TEXTS[:2])
    kept = [TOKENIZER.location_id(3), TOKENIZER.location_id(7)]
    first = alone.write([0, 1], kept)
    also = tried.branch([0, 1], [[token, TOKENIZER.location_id(900), TOKENIZER.location_id(5)] for token in kept])
    assert torch.allclose(first, also[:, 0], atol=1e-4)
    assert not torch.allclose(also[:, 0], also[:, 1], atol=1e-2)
    assert torch.allclose(alone.write([1], [kept[0]]), tried.write([1], [kept[0]]), atol=1e-4)


def many_seed():
    return next(seed for seed in range(6) if len(write_boxes(*with_tokenizer(seed), TEXTS[:1])[0].boxes) > 2)


def with_tokenizer(seed):
    model, frame = framed(seed)
    return model, TOKENIZER, frame


def test_a_stop_is_heard_before_each_box():
    view = tiny_grounder(many_seed()).view(PICTURE)
    asked = []
    with pytest.raises(CancelledError, match="stopped after 2 boxes"):
        view.find_each(PHRASES[0], should_stop=lambda: len(asked) == 2 or asked.append(1))


def test_the_answer_to_a_plural_phrase_says_that_all_are_meant():
    view = tiny_grounder(many_seed()).view(PICTURE)
    answer, single = view.find_each("the cups"), view.find("the cups")
    assert (answer.count, answer.phrase, answer.model, single.count) == ("many", "the cups", "tiny", "one")
    assert answer.presence == pytest.approx(single.presence)
    assert any(candidate.box == single.best.box for candidate in answer.candidates)
    assert {"preprocess", "vision", "query", "boxes"} <= answer.timings_ms.keys()
    with pytest.raises(InvalidPhraseError):
        view.find_each("...")


def answered(status, *candidates):
    return Grounding(
        phrase="the cups",
        status=status,
        candidates=candidates,
        presence=0.5,
        frame=Frame(width=64, height=48),
        model="by hand",
        timings_ms={},
    )


BOXES = st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(1, 3), st.integers(1, 3)).map(
    lambda v: Box(x1=v[0] / 10, y1=v[1] / 10, x2=(v[0] + v[2]) / 10, y2=(v[1] + v[3]) / 10)
)
WRITTEN = st.lists(st.builds(lambda box, p: Candidate(box=box, probability=p), BOXES, st.floats(0.01, 1)), min_size=1)


@given(WRITTEN, st.sampled_from(["found", "ambiguous", "not_found", "cannot_tell"]), st.floats(0.01, 1))
def test_joined_boxes_hold_each_thing_once_the_likeliest_first(written, status, sure):
    whole = joined(answered(status, Candidate(box=written[0].box, probability=sure)), written)
    probabilities = [candidate.probability for candidate in whole.candidates]
    assert probabilities == sorted(probabilities, reverse=True)
    likeliest = max(candidate.probability for candidate in written)
    assert whole.best.probability == pytest.approx(min(1.0, likeliest * sure / written[0].probability))
    assert {item.box.corners for item in whole.candidates} <= {item.box.corners for item in written}
    assert whole.status == ("found" if status == "ambiguous" else status)
    assert whole.count == "many"


def test_a_thing_written_twice_is_one_thing():
    box, moved = Box(x1=0.1, y1=0.1, x2=0.5, y2=0.5), Box(x1=0.1, y1=0.1, x2=0.5, y2=0.52)
    other = Box(x1=0.6, y1=0.6, x2=0.9, y2=0.9)
    assert box.iou(moved) >= SAME_BOX_IOU
    written = [Candidate(box=b, probability=p) for b, p in ((box, 0.3), (other, 0.2), (moved, 0.4))]
    whole = joined(answered("found", written[0]), written)
    assert [(item.box, item.probability) for item in whole.candidates] == [
        (moved, pytest.approx(0.4)),
        (other, pytest.approx(0.2)),
    ]


def test_a_box_weighs_what_all_pairs_that_mean_it_weigh():
    pairs = (ScoredPair((0, 330), 0.2), ScoredPair((0, 331), 0.3), ScoredPair((693, 1023), 0.4))
    (candidate,) = candidates_of(WrittenBoxes((WrittenBox(0.5, pairs),), stopped=False), 32, Decision())
    assert candidate.probability == pytest.approx(0.5 * (0.2 + 0.3))


def test_an_answer_stands_by_what_it_means():
    one, two = (Candidate(box=Box(x1=x, y1=0.1, x2=x + 0.1, y2=0.2), probability=0.4) for x in (0.1, 0.5))
    single = answered("found", one, two)
    assert single.meant == (one,)
    assert [item.box for item in joined(single, [one, two]).meant] == [one.box, two.box]
    assert answered("ambiguous", one, two).meant == ()
    assert answered("not_found").meant == ()
