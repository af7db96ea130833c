"""Chunks grow to referring expressions over the dependency tree; contained spans go."""

from itertools import pairwise

from grit_parts import ACCENTS, CONJUNCTS, PAPER, parsed
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.grit.chunks import noun_chunks, visible_chunks
from kosmos_agent.grit.containment import drop_contained, outermost, without_crossing
from kosmos_agent.grit.expressions import characters, expression_tokens
from kosmos_agent.grit.records import SpanBox

SPANS = st.lists(
    st.tuples(st.integers(0, 20), st.integers(1, 20)).map(lambda pair: (pair[0], pair[0] + pair[1])), max_size=12
)


def expressions(doc):
    return [doc.text[slice(*characters(doc, expression_tokens(doc, chunk)))] for chunk in visible_chunks(doc)]


def test_the_papers_own_example_grows_and_keeps_one():
    doc = parsed(PAPER)
    assert expressions(doc) == ["a dog in a field of flowers", "a field of flowers", "flowers"]
    spans = [characters(doc, expression_tokens(doc, chunk)) for chunk in noun_chunks(doc)]
    assert outermost(spans) == [(0, len(doc.text))]


def test_chunks_with_conjuncts_are_not_expanded():
    assert expressions(parsed(CONJUNCTS)) == ["a cat", "a dog", "a mat"]


def test_conjuncts_below_a_chunk_belong_to_its_expression():
    rows = (
        ("a", "DET", "det", 1), ("dog", "NOUN", "ROOT", 1), ("with", "ADP", "prep", 1), ("a", "DET", "det", 4),
        ("ball", "NOUN", "pobj", 2), ("and", "CCONJ", "cc", 4), ("a", "DET", "det", 7), ("stick", "NOUN", "conj", 4),
    )  # fmt: skip
    assert expressions(parsed(rows)) == ["a dog with a ball and a stick", "a ball", "a stick"]


def test_relative_clauses_belong_to_the_expression_and_full_stops_do_not():
    rows = (
        ("the", "DET", "det", 1), ("cup", "NOUN", "ROOT", 1), ("that", "PRON", "nsubj", 3), ("is", "AUX", "relcl", 1),
        ("red", "ADJ", "acomp", 3), (".", "PUNCT", "punct", 1),
    )  # fmt: skip
    doc = parsed(rows, [True, True, True, True, False, False])
    assert expressions(doc) == ["the cup that is red"]


def test_a_conjunction_whose_second_half_was_parsed_elsewhere_is_left_out():
    rows = (
        ("a", "DET", "det", 1), ("man", "NOUN", "nsubj", 9), ("in", "ADP", "prep", 1), ("a", "DET", "det", 5),
        ("hard", "ADJ", "amod", 5), ("hat", "NOUN", "pobj", 2), ("and", "CCONJ", "cc", 5),
        ("orange", "ADJ", "amod", 8), ("vest", "NOUN", "nsubj", 9), ("stands", "VERB", "ROOT", 9),
    )  # fmt: skip
    assert expressions(parsed(rows)) == ["a man in a hard hat", "a hard hat", "orange vest"]


def test_all_joining_words_at_the_end_are_left_out_with_the_commas_beside_them():
    rows = (
        ("a", "DET", "det", 1), ("dog", "NOUN", "ROOT", 1), ("with", "ADP", "prep", 1), ("a", "DET", "det", 4),
        ("ball", "NOUN", "pobj", 2), (",", "PUNCT", "punct", 1), ("while", "SCONJ", "mark", 1),
        ("of", "ADP", "prep", 1),
    )  # fmt: skip
    assert expressions(parsed(rows)) == ["a dog with a ball", "a ball"]


def test_a_preposition_whose_object_lies_beyond_a_gap_is_left_out():
    rows = (
        ("a", "DET", "det", 1), ("cat", "NOUN", "nsubj", 4), ("sitting", "VERB", "acl", 1), ("on", "ADP", "prep", 2),
        ("sleeps", "VERB", "ROOT", 4), ("mats", "NOUN", "pobj", 3),
    )  # fmt: skip
    assert expressions(parsed(rows)) == ["a cat sitting", "mats"]


def test_stranded_prepositions_and_particles_stay():
    sits_on = (
        ("the", "DET", "det", 1), ("chair", "NOUN", "ROOT", 1), ("that", "SCONJ", "mark", 4),
        ("he", "PRON", "nsubj", 4), ("sits", "VERB", "relcl", 1), ("on", "ADP", "prep", 4),
    )  # fmt: skip
    looks_up = (
        ("a", "DET", "det", 1), ("man", "NOUN", "ROOT", 1), ("looking", "VERB", "acl", 1), ("up", "ADP", "prt", 2),
    )  # fmt: skip
    assert expressions(parsed(sits_on)) == ["the chair that he sits on"]
    assert expressions(parsed(looks_up)) == ["a man looking up"]


def test_a_subtree_with_a_gap_gives_the_part_around_the_chunk():
    rows = (
        ("a", "DET", "det", 1), ("man", "NOUN", "nsubj", 2), ("came", "VERB", "ROOT", 2), ("in", "ADP", "prt", 2),
        ("with", "ADP", "prep", 1), ("a", "DET", "det", 6), ("hat", "NOUN", "pobj", 4),
    )  # fmt: skip
    assert expressions(parsed(rows)) == ["a man", "a hat"]


def test_a_chunk_without_children_stays():
    assert expressions(parsed(ACCENTS)) == ["ein 🐕‍🦺 Köter"]


def test_characters_are_code_points_of_the_caption():
    doc = parsed(ACCENTS)
    (chunk,) = visible_chunks(doc)
    start, end = characters(doc, (chunk.root, chunk.last))
    assert doc.text[start:end] == "Köter"
    assert doc.text.encode()[start:end] != "Köter".encode()


@given(SPANS)
def test_outermost_spans_are_exactly_those_that_no_other_contains(spans):
    def contained(span):
        return any(other != span and other[0] <= span[0] and span[1] <= other[1] for other in spans)

    assert outermost(spans) == sorted({span for span in spans if not contained(span)})


@given(SPANS)
def test_all_boxes_of_a_kept_span_stay_in_order(spans):
    rows = [SpanBox(*span, (0.1, 0.1, 0.2, 0.2), place / 100) for place, span in enumerate(spans)]
    kept = drop_contained(rows)
    assert list(kept) == [row for row in rows if row.span in set(outermost(spans))]


@given(SPANS)
def test_spans_that_do_not_cross_can_be_walked_from_left_to_right(spans):
    kept = without_crossing(spans)
    assert all(first[1] <= second[0] for first, second in pairwise(kept))
    assert set(kept) <= set(spans)
    assert bool(kept) == bool(spans)
