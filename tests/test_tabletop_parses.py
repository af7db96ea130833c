"""The simulation's own parser: every sentence of its grammar, and nothing besides."""

from random import Random

import numpy as np
import pytest
from kosmos_sim.captions import caption, describe
from kosmos_sim.expressions import sample_expressions
from kosmos_sim.expressions.geometry import measure
from kosmos_sim.pair_captions import pair_caption
from kosmos_sim.parses import TabletopParser
from synthetic_scenes import synthetic_record

from kosmos_agent.grit.chunks import noun_chunks, visible_chunks
from kosmos_agent.grit.errors import InvalidCaptionError
from kosmos_agent.grit.expressions import characters, expression_tokens

PARSER = TabletopParser()
RECORDS = [synthetic_record(47, index, things=2 + index % 9, side=112, map_side=56) for index in range(60)]


def chunks(text):
    doc = PARSER(text)
    return [chunk.span(doc).text for chunk in visible_chunks(doc)]


def expressions(text):
    doc = PARSER(text)
    return [doc.text[slice(*characters(doc, expression_tokens(doc, chunk)))] for chunk in visible_chunks(doc)]


def test_a_list_gives_its_things_and_none_of_them_grows():
    text = "An image of a red cup, two blue boxes and a green plate."
    assert chunks(text) == expressions(text) == ["a red cup", "two blue boxes", "a green plate"]


@pytest.mark.parametrize(
    "place",
    [
        "left of", "to the left of", "on the right of", "behind", "in front of", "next to", "beside", "on", "on top of",
        "in", "inside", "nearest to", "closest to", "nearest", "that is next to", "that is in front of",
    ],
)  # fmt: skip
def test_every_place_grows_the_thing_and_not_what_it_leans_on(place):
    text = f"A red cup {place} the blue box. A grey can."
    assert chunks(text) == ["A red cup", "the blue box", "A grey can"]
    assert expressions(text) == [f"A red cup {place} the blue box", "the blue box", "A grey can"]


def test_each_sentence_is_one_and_has_one_root():
    doc = PARSER("A red cup left of the blue box. It is a can. The plate is on the book.")
    assert [sentence.text for sentence in doc.sents] == [
        "A red cup left of the blue box.", "It is a can.", "The plate is on the book.",
    ]  # fmt: skip
    assert [token.text for token in doc if token.head == token] == ["cup", "is", "is"]


def test_plurals_have_their_singular_as_lemma():
    assert [token.lemma_ for token in PARSER("two boxes")] == ["two", "box"]


def test_every_expression_of_the_grammar_is_read_whole():
    seen = 0
    for record in RECORDS:
        for found in sample_expressions(
            record.objects, np.random.default_rng(record.index), 12, T_table_camera=record.T_table_camera
        ):
            doc = PARSER(found.text)
            head = next(token for token in doc if token.head == token)
            assert doc.text == found.text
            assert doc[head.left_edge.i : head.right_edge.i + 1].text == found.text
            assert noun_chunks(doc)[0].root == head.i
            seen += 1
    assert seen > 300


@pytest.mark.parametrize("write", [caption, describe])
def test_every_caption_of_the_grammar_is_read(write):
    for record in RECORDS:
        task = write(measure(record.objects, record.T_table_camera), Random(record.index))
        if task is not None:
            text = "".join(piece.text for piece in task.pieces).strip()
            assert PARSER(text).text == text


def test_the_chunks_of_a_pairs_caption_are_its_true_spans():
    styles = set()
    for record in RECORDS:
        found = pair_caption(measure(record.objects, record.T_table_camera), Random(record.index))
        if found is None:
            continue
        doc = PARSER(found.text)
        spans = [characters(doc, (chunk.first, chunk.last)) for chunk in visible_chunks(doc)]
        assert spans == [(span.start, span.end) for span in found.spans]
        styles.add(found.text.split()[1])
    assert len(styles) > 3


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("a dog in a field of flowers", "'dog'"),
        ("a red", "'the end'"),
        ("a cup that was red", "'was'"),
        ("a cup left the box", "'the'"),
        ("a cup dances", "'dances'"),
        ("a cup, ", "'the end'"),
        ("", "no word"),
    ],
)
def test_anything_else_is_refused_with_the_word(text, word):
    with pytest.raises(InvalidCaptionError, match=word):
        PARSER(text)
