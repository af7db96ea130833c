"""Tags, links and answers: round trips, and user text that can never become a tag."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from kosmos_agent.errors import InvalidBoxError, InvalidPhraseError
from kosmos_agent.markup import (
    escape_tags,
    escape_user_text,
    from_markdown,
    from_tagged,
    object_tags,
    post_process,
    to_tagged,
)
from kosmos_agent.results import Box, Entity, GroundedText
from kosmos_agent.tokenizer import build_word_tokenizer

FAST = settings(derandomize=True, max_examples=200, deadline=None)
CUP = Box(x1=0.25, y1=0.125, x2=0.5, y2=0.75)
PLATE = Box(x1=0.5, y1=0.5, x2=0.9, y2=0.8)
TOKENIZER = build_word_tokenizer(["red", "cup"])


@st.composite
def grounded_texts(draw):
    """Texts without outer or double spaces, some words linked."""
    parts, entities, length = [], [], 0
    for word in draw(st.lists(st.text("ab[]\\,.(", min_size=1, max_size=5), max_size=6)):
        length += bool(parts)
        if draw(st.booleans()):
            boxes = draw(st.sampled_from([(CUP,), (CUP, PLATE)]))
            entities.append(Entity(text=word, start=length, end=length + len(word), boxes=boxes))
        parts.append(word)
        length += len(word)
    return GroundedText(text=" ".join(parts), entities=tuple(entities))


@FAST
@given(grounded_texts())
def test_markdown_comes_back(grounded):
    assert from_markdown(grounded.markdown) == grounded


@FAST
@given(grounded_texts())
def test_tagged_text_comes_back_with_boxes_on_the_grid(grounded):
    back = from_tagged(to_tagged(grounded))
    assert back.text == grounded.text
    assert [(item.text, item.start, item.end) for item in back.entities] == [
        (item.text, item.start, item.end) for item in grounded.entities
    ]
    for mine, theirs in zip(back.entities, grounded.entities, strict=True):
        assert all(one.iou(other) > 0.7 for one, other in zip(mine.boxes, theirs.boxes, strict=True))
    assert to_tagged(back) == to_tagged(grounded)


def test_tagged_text_is_what_the_model_writes():
    grounded = GroundedText(text="An image of a cup.", entities=(Entity(text="a cup", start=12, end=17, boxes=(CUP,)),))
    assert to_tagged(grounded) == (
        "An image of<phrase> a cup</phrase><object><patch_index_0136><patch_index_0751></object>."
    )


def test_several_boxes_are_parted_by_the_delimiter():
    assert object_tags([CUP, PLATE]) == (
        "<object><patch_index_0136><patch_index_0751></delimiter_of_multi_objects/>"
        "<patch_index_0528><patch_index_0828></object>"
    )
    assert object_tags([]) == ""


def test_inverted_and_off_grid_pairs_never_become_boxes():
    text = (
        "<phrase>x</phrase><object><patch_index_0863><patch_index_0044></object>"
        "<phrase>y</phrase><object><patch_index_0000><patch_index_9999></object>"
        "<phrase>z</phrase><object><patch_index_0863><patch_index_0044></delimiter_of_multi_objects/>"
        "<patch_index_0000><patch_index_0033></object>"
    )
    assert [(item.text, len(item.boxes)) for item in from_tagged(text).entities] == [("z", 1)]
    assert len(post_process(text)[1]) == 3


def test_a_nameless_object_keeps_its_box_and_place():
    answer = from_tagged("a b<object><patch_index_0005><patch_index_0101></object> c")
    assert (answer.entities[0].text, answer.entities[0].start) == ("", 3)


def test_only_what_follows_the_image_counts():
    assert post_process("<image> x </image> seen") == ("seen", [])


def test_a_stray_bracket_does_not_shift_the_span():
    answer = from_tagged("a < b<phrase> the cup</phrase><object><patch_index_0000><patch_index_0033></object>")
    (entity,) = answer.entities
    assert answer.text[entity.start : entity.end] == entity.text == "the cup"


@pytest.mark.parametrize(
    "link", ["[cup](http://example.org)", "[cup](0,0,1)", "[cup](0.5,0,0.4,1)", "[cup](nan,0,1,1)"]
)
def test_links_that_are_no_boxes_are_refused(link):
    with pytest.raises(InvalidBoxError):
        from_markdown(link)


def test_brackets_that_are_no_link_stay_words():
    assert from_markdown("an [odd] text (here)").text == "an [odd] text (here)"


BRACKETS = "<>＜＞﹤﹥≮≯"
FORBIDDEN = set(range(4)) | set(range(TOKENIZER.mask_id, TOKENIZER.size))


@FAST
@given(
    st.lists(
        st.sampled_from(
            [
                *BRACKETS,
                "s",
                "/s",
                "pad",
                "unk",
                "mask",
                "phrase",
                "/phrase",
                "object",
                "patch_index_0001",
                " ",
                "\u200b",
                "cup",
            ]
        ),
        max_size=12,
    ).map("".join)
)
@example("≮s≯")
@example("<\u200bs>")
@example("＜/s＞")
def test_no_user_text_reaches_a_tag_or_special_token(text):
    safe = escape_user_text("cup" + text)
    assert FORBIDDEN.isdisjoint(TOKENIZER.encode(safe))
    assert not set(safe) & set(BRACKETS)


def test_the_words_survive_escaping():
    assert escape_user_text("  the cup\n < 5 cm ") == "the cup ( 5 cm"
    assert escape_user_text("Café naïve 日本") == "Café naïve 日本"
    assert len(escape_tags("a<≮＞b")) == 5


@pytest.mark.parametrize("text", ["", "   ", "?!", "\u200b", "a\x00b", "a\x1b[2Jb", "cup\ud800", "x" * 257, None, 7])
def test_unusable_phrases_are_refused(text):
    with pytest.raises(InvalidPhraseError):
        escape_user_text(text)


def test_the_bound_counts_characters():
    assert escape_user_text("x" * 256)
    assert escape_user_text("x" * 300, limit=300)
