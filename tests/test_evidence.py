"""The features of an answer, against plain passes of the whole model."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tiny_kosmos import TOKENIZER, tiny_grounder

from kosmos_agent import prompts
from kosmos_agent.calibration import CHEAP_FEATURES, FEATURES
from kosmos_agent.inference import evidence as evidence_module
from kosmos_agent.inference.mirror import mirror_box
from kosmos_agent.location import box_to_pair
from kosmos_agent.results import Box

PICTURE = np.random.default_rng(0).integers(0, 255, (48, 64, 3), dtype=np.uint8)
PHRASES = ["the red cup", "the cup left of the blue box", "box"]


@pytest.fixture(scope="module")
def view():
    return tiny_grounder(1).view(PICTURE)


@pytest.fixture(scope="module")
def found(view):
    return view.evidence(PHRASES, FEATURES)


def ids(phrase):
    return list(TOKENIZER.encode_words(prompts.phrase_grounding(phrase)))


@torch.inference_mode()
def log_p(view, tokens):
    """(T, vocabulary): what follows each of `tokens` behind the picture, by one plain pass of the whole model."""
    model, processor = view.grounder.model, view.grounder.processor
    prefix, image_mask = processor.image_row.ids, processor.image_row.image_mask
    ids = torch.tensor([[TOKENIZER.bos_id, *prefix, *tokens]])
    mask = torch.tensor([[0, *image_mask, *[0] * len(tokens)]])
    return model(ids, pixels=processor.pixels([PICTURE]), image_mask=mask)[0, -len(tokens) :].log_softmax(-1)


def test_every_answer_has_the_features_asked_for(view, found):
    assert all(set(item.features) == set(FEATURES) for item in found)
    assert all(math.isfinite(value) for item in found for value in item.features.values())
    assert all(set(item.features) == set(CHEAP_FEATURES) for item in view.evidence(PHRASES))


def test_dear_features_do_not_change_the_cheap_ones(view, found):
    for cheap, dear in zip(view.evidence(PHRASES), found, strict=True):
        assert [item.box for item in cheap.candidates] == [item.box for item in dear.candidates]
        weights = [item.probability for item in dear.candidates]
        assert [item.probability for item in cheap.candidates] == pytest.approx(weights, rel=1e-3)
        assert {name: dear.features[name] for name in CHEAP_FEATURES} == pytest.approx(cheap.features, rel=1e-3)


def test_opening_entropies_and_box_are_those_of_the_whole_model(view, found):
    rows = slice(TOKENIZER.first_location_id, TOKENIZER.first_location_id + TOKENIZER.location_count)
    for phrase, item in zip(PHRASES, found, strict=True):
        after = log_p(view, [*ids(phrase), TOKENIZER.object_id])
        opened = float(after[-2].exp()[TOKENIZER.object_id])
        assert item.features["object_log_odds"] == pytest.approx(math.log(opened / (1 - opened)), abs=1e-3)
        first = after[-1, rows].log_softmax(-1)
        assert item.features["first_corner_entropy"] == pytest.approx(float(-(first.exp() * first).sum()), abs=1e-3)
        assert 0 <= item.features["second_corner_entropy"] <= math.log(TOKENIZER.location_count)
        best = item.candidates[0]
        assert item.features["box_side"] == best.box.side
        assert box_to_pair(best.box.corners)[0] == int(first.argmax())
        assert item.features["location_log_odds"] == pytest.approx(
            math.log(best.probability / (1 - best.probability)), abs=1e-3
        )


@torch.inference_mode()
def test_likelihoods_are_those_of_the_whole_model(view, found):
    for phrase, item in zip(PHRASES, found, strict=True):
        tokens = ids(phrase)
        begin = tokens.index(TOKENIZER.phrase_id)
        behind = log_p(view, tokens)
        blind = view.grounder.model(torch.tensor([[TOKENIZER.bos_id, *tokens]]))[0, 1:].log_softmax(-1)
        seen, unseen = (
            np.mean([float(table[k, tokens[k + 1]]) for k in range(begin, len(tokens) - 1)])
            for table in (behind, blind)
        )
        assert item.features["phrase_log_likelihood"] == pytest.approx(seen, abs=1e-3)
        assert item.features["phrase_lift"] == pytest.approx(seen - unseen, abs=1e-3)


def test_the_mirror_is_asked_with_left_and_right_swapped(view, found):
    mirrored = view.grounder.view(np.ascontiguousarray(PICTURE[:, ::-1]))
    swapped = ["the red cup", "the cup right of the blue box", "box"]
    for item, other in zip(found, mirrored.evidence(swapped), strict=True):
        expected = item.candidates[0].box.iou(mirror_box(other.candidates[0].box))
        assert item.features["mirror_iou"] == pytest.approx(expected)


def test_only_what_is_asked_for_costs_anything(view, monkeypatch):
    def refuse(*_):
        raise AssertionError("a second look, or a pass without the picture")

    monkeypatch.setattr(evidence_module, "blind_log_likelihood", refuse)
    monkeypatch.setattr(type(view), "mirror_image", refuse)
    view.evidence(PHRASES, CHEAP_FEATURES)
    view.evidence(PHRASES, ("phrase_log_likelihood",))
    view.find_all(PHRASES)
    with pytest.raises(AssertionError):
        view.evidence(PHRASES, ("mirror_iou",))


@given(st.floats(0, 0.9), st.floats(0, 0.9), st.floats(0.01, 0.1), st.floats(0.01, 0.1))
def test_mirroring_twice_gives_the_box_back(x, y, width, height):
    box = Box(x1=x, y1=y, x2=x + width, y2=y + height)
    assert mirror_box(mirror_box(box)).corners == pytest.approx(box.corners)
    assert mirror_box(box).area == pytest.approx(box.area)
