"""Noun chunks of hand-made parses, and which of them may be seen."""

import pytest
from grit_parts import CONJUNCTS, LOVE, PAPER, HandParser, parsed

from kosmos_agent.errors import MissingDependencyError
from kosmos_agent.grit.abstract_nouns import ABSTRACT_NOUNS
from kosmos_agent.grit.chunks import Chunk, noun_chunks, visible_chunks
from kosmos_agent.grit.errors import InvalidCaptionError
from kosmos_agent.grit.parsing import SpacyParser, parse


def texts(doc, chunks):
    return [chunk.span(doc).text for chunk in chunks]


def test_the_papers_own_example():
    doc = parsed(PAPER)
    assert texts(doc, noun_chunks(doc)) == ["a dog", "a field", "flowers"]
    assert texts(doc, visible_chunks(doc)) == ["a dog", "a field", "flowers"]


def test_a_chunk_and_its_span_are_each_others_inverse():
    for rows in (PAPER, CONJUNCTS, LOVE):
        doc = parsed(rows)
        assert [Chunk.of(chunk.span(doc)) for chunk in noun_chunks(doc)] == noun_chunks(doc)


@pytest.mark.parametrize("word", ["time", "love", "freedom"])
def test_the_papers_own_abstract_nouns_are_on_the_list(word):
    assert word in ABSTRACT_NOUNS


def test_abstract_chunks_go_and_what_hangs_on_them_stays():
    doc = parsed(LOVE)
    assert texts(doc, visible_chunks(doc)) == ["music"]


def test_plurals_of_abstract_nouns_go_by_their_lemma():
    doc = parsed((("two", "NUM", "nummod", 1), ("ideas", "NOUN", "ROOT", 1)))
    doc[1].lemma_ = "idea"
    assert visible_chunks(doc) == []


def test_abstract_nouns_go_with_a_hyphen_too_whether_the_pipeline_cuts_there_or_not():
    cut = (("close", "ADJ", "compound", 2), ("-", "PUNCT", "punct", 2), ("ups", "NOUN", "ROOT", 2))
    doc = parsed(cut, [False, False, False])
    doc[2].lemma_ = "up"
    assert texts(doc, noun_chunks(doc)) == ["close-ups"]
    assert visible_chunks(doc) == []
    assert visible_chunks(parsed((("a", "DET", "det", 1), ("close-up", "NOUN", "ROOT", 1)))) == []


def test_a_dash_between_spaces_joins_nothing():
    rows = (("close", "ADJ", "compound", 2), ("-", "PUNCT", "punct", 2), ("up", "NOUN", "ROOT", 2))
    doc = parsed(rows)
    assert texts(doc, visible_chunks(doc)) == ["close - up"]


def test_pronouns_and_bare_numbers_name_nothing():
    doc = parsed((("it", "PRON", "nsubj", 1), ("is", "AUX", "ROOT", 1), ("two", "NUM", "attr", 1)))
    assert texts(doc, noun_chunks(doc)) == ["it"]
    assert visible_chunks(doc) == []


def test_the_list_holds_no_colour_animal_or_thing_of_the_table():
    from kosmos_sim.lexicon import CATEGORIES, COLOURS

    assert not ABSTRACT_NOUNS & {*CATEGORIES, *COLOURS, "dog", "flower", "field", "person", "man", "woman", "car"}
    assert all(word == word.lower() and word.isalpha() for word in ABSTRACT_NOUNS)


def test_a_pipeline_that_is_not_installed_is_named_with_the_line_to_type():
    with pytest.raises(MissingDependencyError, match="python -m spacy download en_core_web_none"):
        SpacyParser.load("en_core_web_none")


def test_a_pipeline_without_a_parser_is_refused():
    import spacy

    with pytest.raises(MissingDependencyError, match="has no tagger"):
        SpacyParser(spacy.blank("en"))


def test_a_parse_of_another_text_or_without_dependencies_is_refused():
    import spacy

    with pytest.raises(InvalidCaptionError, match="the parser read"):
        parse(lambda caption: parsed(PAPER), "a cat")
    with pytest.raises(InvalidCaptionError, match="no dependencies"):
        parse(spacy.blank("en"), "a cat")
    assert parse(HandParser(), "a dog in a field of flowers").text == "a dog in a field of flowers"
