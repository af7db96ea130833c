"""The recipe on one pair: what is asked of the detector, what is kept, under which characters."""

import pytest
from grit_parts import DOG_CAPTION, LOVE, DogDetector, HandParser, ToldDetector, box, jpeg, parsed

from kosmos_agent.errors import InvalidArgumentError, InvalidImageError
from kosmos_agent.grit.detection import Detection
from kosmos_agent.grit.errors import InvalidCaptionError, NothingGroundedError, PipelineError
from kosmos_agent.grit.recipe import Recipe, assemble, detect, propose
from kosmos_agent.grit.samples import Sample

LEFT, RIGHT = (0.1, 0.2, 0.4, 0.8), (0.5, 0.5, 1.0, 1.0)


def sample(caption=DOG_CAPTION, picture=None, facts=b"{}"):
    return Sample("k", {"jpg": jpeg() if picture is None else picture, "txt": caption.encode(), "json": facts})


def built(detector, recipe=None, **changes):
    proposal = propose(sample(**changes), HandParser())
    return assemble(proposal, detect(proposal, detector), recipe or Recipe())


def said(record, rows):
    return [(record.caption[row.start : row.end], row.corners, row.score) for row in rows]


def test_the_detector_is_asked_for_the_chunks():
    assert propose(sample(), HandParser()).words() == ["a dog", "a field", "flowers"]


def test_the_papers_example_from_caption_to_row():
    record = built(DogDetector())
    assert said(record, record.noun_chunks) == [("a dog", LEFT, 0.9), ("flowers", RIGHT, 0.8)]
    assert said(record, record.ref_exps) == [(DOG_CAPTION, LEFT, 0.9), ("flowers", RIGHT, 0.8)]
    assert (record.key, record.width, record.height) == ("k", 64, 48)


@pytest.mark.parametrize("phrase", [-1, 3])
def test_a_box_for_a_phrase_that_was_not_asked_for_is_the_detectors_fault(phrase):
    class Confused:
        def detect(self, image, phrases):
            return [Detection(phrase, box(*LEFT), 0.9)]

    with pytest.raises(PipelineError, match=f"a box for phrase {phrase}; valid: 0 to 2"):
        built(Confused())


def test_contained_expressions_may_be_dropped_when_writing():
    record = built(DogDetector(), Recipe(contained="drop"))
    assert said(record, record.ref_exps) == [(DOG_CAPTION, LEFT, 0.9)]
    assert len(record.noun_chunks) == 2


def test_the_overlapping_chunk_that_is_less_sure_loses_its_box():
    record = built(DogDetector(), Recipe(max_iou=1.0))
    assert [text for text, _, _ in said(record, record.noun_chunks)] == ["a dog", "a field", "flowers"]


def test_suppression_comes_before_the_line():
    """A box that is below the line still cannot push out another, a surer one above it does."""
    seen = {"a dog": [(LEFT, 0.66)], "a field": [(LEFT, 0.7)], "flowers": [(RIGHT, 0.6)]}
    record = built(ToldDetector(seen))
    assert [text for text, _, _ in said(record, record.noun_chunks)] == ["a field"]


def test_several_boxes_of_a_chunk_share_its_span():
    record = built(ToldDetector({"flowers": [(LEFT, 0.7), (RIGHT, 0.9)]}))
    assert said(record, record.noun_chunks) == [("flowers", LEFT, 0.7), ("flowers", RIGHT, 0.9)]


def test_nothing_surer_than_the_line_is_an_answer_with_its_reason():
    with pytest.raises(NothingGroundedError, match=r"surer than 0\.65; the surest of all was 0\.650"):
        built(ToldDetector({"a dog": [(LEFT, 0.65)]}))


def test_a_caption_of_abstract_nouns_alone_is_not_looked_for():
    with pytest.raises(NothingGroundedError, match="names nothing"):
        propose(sample("the love"), lambda _: parsed(LOVE[:2]))


def test_characters_beyond_the_basic_plane_count_once():
    caption = "ein 🐕‍🦺 Köter"
    record = built(ToldDetector({caption: [(LEFT, 0.9)]}), caption=caption)
    assert said(record, record.noun_chunks) == [(caption, LEFT, 0.9)]


def test_where_a_pair_came_from_is_kept():
    facts = b'{"id": 12345678901, "url": "https://x.org/?a=<b>", "clip_similarity_vitb32": 0.3, "width": 9}'
    record = built(DogDetector(), facts=facts)
    assert (record.id, record.url, record.clip_similarity_vitb32) == (12345678901, "https://x.org/?a=<b>", 0.3)
    assert record.clip_similarity_vitl14 is None
    assert record.width == 64


def test_what_is_wrong_with_a_pair_is_said():
    with pytest.raises(InvalidCaptionError, match="by heart"):
        propose(sample("a caption of its own"), HandParser())
    with pytest.raises(InvalidImageError):
        built(DogDetector(), picture=b"no picture")


@pytest.mark.parametrize("wrong", [{"min_score": 1.5}, {"max_iou": -1.0}, {"contained": "perhaps"}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InvalidArgumentError):
        Recipe(**wrong)
