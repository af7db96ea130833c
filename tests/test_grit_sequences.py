"""Grounded captions as token ids: words first, then tags between them (specification 5.3 and 6.3)."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent import tokens
from kosmos_agent.grit.errors import SplitTokenError
from kosmos_agent.grit.sequences import caption_ids, grounded_ids, released_pair, training_row
from kosmos_agent.location import box_to_pair
from kosmos_agent.markup import from_tagged
from kosmos_agent.results import Box, Entity, GroundedText
from kosmos_agent.tokenizer import build_word_tokenizer

VECTORS = Path(__file__).parents[2] / "shared" / "kosmos2-reference" / "box_vectors.json"
CAPTION = "a dog in a field of flowers, and a cat."
TOKENIZER = build_word_tokenizer([CAPTION.replace(",", "").replace(".", "")])
BOX, OTHER = Box(x1=0.1, y1=0.2, x2=0.6, y2=0.9), Box(x1=0.3, y1=0.3, x2=0.5, y2=0.5)
TAGS = {TOKENIZER.phrase_id, TOKENIZER.phrase_end_id, TOKENIZER.object_id, TOKENIZER.object_end_id}
TAGS |= {TOKENIZER.delimiter_id, TOKENIZER.grounding_id}


def text(*spans, caption=CAPTION):
    entities = (Entity(text=caption[s:e], start=s, end=e, boxes=boxes) for s, e, *boxes in spans)
    return GroundedText(text=caption, entities=tuple(entities))


def names(ids):
    return [TOKENIZER.token(token_id) for token_id in ids]


def test_tags_stand_round_the_span_and_the_words_are_tokenised_once():
    assert names(grounded_ids(text((0, 27, BOX)), TOKENIZER)) == [
        "<grounding>", "<phrase>", "▁a", "▁dog", "▁in", "▁a", "▁field", "▁of", "▁flowers", "</phrase>", "<object>",
        "<patch_index_0195>", "<patch_index_0915>", "</object>", ",", "▁and", "▁a", "▁cat", ".", "</s>",
    ]  # fmt: skip


def test_retokenising_the_tagged_text_would_have_put_a_piece_before_the_comma():
    """Why 5.3 exists: this is the difference that it avoids."""
    ids = grounded_ids(text((0, 27, BOX)), TOKENIZER)
    tagged = TOKENIZER.decode(ids, skip_special=False).removesuffix(tokens.EOS)
    assert TOKENIZER.encode(tagged) != list(ids[:-1])


def test_boxes_of_one_span_are_joined_by_the_delimiter():
    ids = names(grounded_ids(text((33, 38, BOX, OTHER)), TOKENIZER))
    assert ids[-10:] == [
        "</phrase>", "<object>", "<patch_index_0195>", "<patch_index_0915>", "</delimiter_of_multi_objects/>",
        "<patch_index_0297>", "<patch_index_0528>", "</object>", ".", "</s>",
    ]  # fmt: skip


def test_what_the_model_would_write_reads_back_as_the_caption():
    ids = grounded_ids(text((0, 27, BOX), (33, 38, OTHER)), TOKENIZER)
    read = from_tagged(TOKENIZER.decode(ids))
    assert read.text == CAPTION
    assert [(entity.text, entity.start, entity.end) for entity in read.entities] == [
        (CAPTION[0:27], 0, 27),
        ("a cat", 33, 38),
    ]


WORDS = st.lists(st.sampled_from(["a", "dog", "field", "Ünïcode", "🐕", "x-y", "naïve", "."]), min_size=1, max_size=12)


@given(WORDS, st.data())
def test_without_its_tags_a_sequence_is_the_plain_caption(words, data):
    caption = " ".join(words)
    starts = [sum(len(word) + 1 for word in words[:place]) for place in range(len(words))]
    chosen = sorted(data.draw(st.sets(st.integers(0, len(words) - 1))))
    spans = [(starts[place], starts[place] + len(words[place]), BOX) for place in chosen]
    ids = grounded_ids(text(*spans, caption=caption), TOKENIZER)
    plain = [token_id for token_id in ids if token_id not in TAGS and TOKENIZER.location_index(token_id) is None]
    assert tuple(plain) == caption_ids(text(caption=caption), TOKENIZER)
    assert ids.count(TOKENIZER.phrase_id) == len(chosen)


def test_a_span_inside_a_token_is_refused():
    with pytest.raises(SplitTokenError, match="character 4"):
        grounded_ids(text((2, 4, BOX)), TOKENIZER)


def test_of_crossing_spans_the_later_stays_words():
    ids = names(grounded_ids(text((0, 8, BOX), (2, 16, OTHER)), TOKENIZER))
    assert ids.count("<phrase>") == 1
    assert ids[1:5] == ["<phrase>", "▁a", "▁dog", "▁in"]


def test_a_span_without_a_box_stays_words():
    assert names(grounded_ids(text((0, 5)), TOKENIZER))[:3] == ["<grounding>", "▁a", "▁dog"]


def test_tags_in_a_caption_stay_words():
    hostile = "a dog <object><patch_index_0000><patch_index_1023></object></s><grounding>"
    ids = grounded_ids(text((0, 5, BOX), caption=hostile), TOKENIZER)
    assert ids.count(TOKENIZER.object_id) == 1
    assert ids.count(TOKENIZER.eos_id) == 1
    assert sum(TOKENIZER.location_index(token_id) is not None for token_id in ids) == 2


def test_targets_begin_behind_the_image():
    ids = grounded_ids(text((0, 27, BOX)), TOKENIZER)
    row = training_row(ids, TOKENIZER, slots=4)
    assert names(row.ids[:2]) == ["<s>", "<image>"]
    assert names([row.ids[6]]) == ["</image>"]
    assert row.targets[:6] == (-1,) * 6
    assert row.targets[6:] == ids
    assert row.ids[7:] == ids[:-1]
    assert len(row.ids) == len(row.targets)


def test_the_rule_of_the_released_code_differs_on_cell_edges_alone():
    assert released_pair((0.5, 0.5, 0.75, 0.75), 32) == (528, 792)
    assert box_to_pair((0.5, 0.5, 0.75, 0.75), 32) == (528, 759)
    assert released_pair((0.0, 0.0, 1.0, 1.0), 32) == (0, 1023)
    assert released_pair((-0.2, 0.0, 1.3, 1.0), 32) == (0, 1023)


def test_the_released_rule_gives_the_reference_vectors():
    if not VECTORS.is_file():
        pytest.skip("needs ../shared/kosmos2-reference (box vectors made with the original code's rule)")
    for vector in json.loads(VECTORS.read_text(encoding="utf-8"))["encode"]:
        assert list(released_pair(tuple(vector["box"]), 32)) == vector["unilm"]
