"""The paper's prompts and decoding, and the calls that users make, asked of a small model with random weights."""

import numpy as np
import pytest
from benchmark_files import BOX, CUP, HEIGHT, WIDTH, write_picture
from tiny_kosmos import TOKENIZER, tiny_grounder

from kosmos_agent import prompts
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.asking.captions import ViewCaptions, WrittenCaptions
from kosmos_agent.evaluation.asking.phrases import FoundPhrases, WrittenPhrases, boxes_of_phrase
from kosmos_agent.evaluation.asking.questions import ViewAnswers, WrittenAnswers
from kosmos_agent.evaluation.asking.regions import DescribedRegions, WrittenRegions, box_of, by_example
from kosmos_agent.evaluation.benchmarks.samples import CaptionSample, GroundingSample, QuestionSample, RegionSample
from kosmos_agent.location import pair_to_corners

RGB = np.random.default_rng(3).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
GROUNDER = tiny_grounder(location_gain=1.6)


def phrase_sample(number, phrase, before=""):
    return GroundingSample(str(number), "a.png", WIDTH, HEIGHT, phrase, (CUP,), before, ("cup",))


def tagged(phrase, *pairs):
    inside = "</delimiter_of_multi_objects/>".join(f"<patch_index_{a:04d}><patch_index_{b:04d}>" for a, b in pairs)
    return f"<phrase> {phrase}</phrase><object>{inside}</object>"


def boxes(text, phrase="the cup"):
    return boxes_of_phrase(TOKENIZER, text, phrase_sample(1, phrase))


def pixels(pair):
    x1, y1, x2, y2 = pair_to_corners(pair)
    return (x1 * WIDTH, y1 * HEIGHT, x2 * WIDTH, y2 * HEIGHT)


def test_boxes_of_the_phrase_count_in_their_order_and_no_others():
    cups, box = (tagged("the cup", (3, 40), (5, 911)), tagged("the cup", (44, 863))), tagged("the box", (0, 0))
    text = f"<grounding>{cups[0]} and{box}, {cups[1]}"
    assert boxes(text) == (pixels((3, 40)), pixels((5, 911)), pixels((44, 863)))
    assert boxes(text, "the box") == (pixels((0, 0)),)
    assert boxes(text, "cup") == ()


@pytest.mark.parametrize(
    "text",
    [
        "<grounding><phrase> the cup</phrase>",
        "<phrase> the cup</phrase><object><patch_index_0003></object>",
        "<phrase> the cup</phrase><object><patch_index_0003><patch_index_0040>",
        "<phrase> the cup</phrase> <object><patch_index_0003><patch_index_0040></object>",
        "<object><patch_index_0003><patch_index_0040></object>",
    ],
)
def test_malformed_output_has_no_box(text):
    assert boxes(text) == ()


def test_an_inverted_pair_keeps_its_place():
    """It overlaps nothing, and the box behind it does not move up into the first place."""
    assert boxes(tagged("the cup", (863, 44), (3, 40))) == (pixels((863, 44)), pixels((3, 40)))


def test_a_phrase_is_compared_as_the_tokenizer_spells_it():
    assert boxes(tagged("the cup", (3, 40)), "The  Cup") == (pixels((3, 40)),)


def test_phrases_in_step_are_phrases_alone():
    samples = [
        phrase_sample(k, p, b) for k, (p, b) in enumerate([("the red cup", ""), ("box", "it is the"), ("cup", "")])
    ]
    asker = WrittenPhrases(max_new_tokens=12)
    together = asker(GROUNDER, RGB, samples)
    assert together == [record for sample in samples for record in WrittenPhrases(12, rows=1)(GROUNDER, RGB, [sample])]
    assert [record.id for record in together] == ["0", "1", "2"]
    assert together[1].text.startswith("<grounding> it is the<phrase> box</phrase>")
    assert together[0].true_px == (CUP,)


def test_under_the_grammar_every_box_is_whole():
    record = WrittenPhrases(max_new_tokens=24, grammar=True)(GROUNDER, RGB, [phrase_sample(1, "the cup")])[0]
    assert all(x1 < x2 and y1 < y2 for x1, y1, x2, y2 in record.boxes_px)


@pytest.mark.parametrize("asker", [WrittenPhrases(max_new_tokens=4), FoundPhrases(zoom=False)])
def test_what_cannot_be_asked_is_a_miss_with_its_reason(asker):
    samples = [phrase_sample(1, "?!"), phrase_sample(2, "the cup"), phrase_sample(3, "x" * 257)]
    records = asker(GROUNDER, RGB, samples)
    assert [record.id for record in records] == ["1", "2", "3"]
    assert "names nothing" in records[0].refused
    assert "257 characters" in records[2].refused
    assert records[0].boxes_px == records[2].boxes_px == ()
    assert records[1].refused is None


def test_found_phrases_are_the_candidates_of_the_view():
    record = FoundPhrases(zoom=False)(GROUNDER, RGB, [phrase_sample(1, "the cup")])[0]
    answer = GROUNDER.view(RGB).find("the cup", zoom=False)
    assert record.boxes_px == tuple(item.box.to_pixels(WIDTH, HEIGHT) for item in answer.candidates)
    assert record.text == answer.status


def region(number, image="a.png", box=CUP):
    return RegionSample(str(number), image, WIDTH, HEIGHT, box, ("the red cup", "a cup"))


def test_regions_alone_and_described():
    samples = [region(1), region(2, box=BOX)]
    written = WrittenRegions(max_new_tokens=8)(GROUNDER, RGB, samples)
    assert [record.id for record in written] == ["1", "2"]
    assert written[0].box_px == CUP
    assert "<" not in written[0].text
    view = DescribedRegions(zoom=False)(GROUNDER, RGB, samples)
    assert [record.text for record in view] == [
        text.text for text in GROUNDER.view(RGB).describe_all([box_of(s) for s in samples], zoom=False)
    ]


def test_examples_stand_in_front_with_their_own_pictures(tmp_path):
    samples = [region(1, "a.png"), region(2, "a.png", BOX), region(3, "b.png"), region(4, "c.png", BOX)]
    for number, name in enumerate(("a.png", "b.png", "c.png")):
        write_picture(tmp_path / name, number)
    asker = by_example(samples, tmp_path.__truediv__, 2)
    assert [shot.path.name for shot in (*asker.shots, *asker.spare)] == ["a.png", "b.png", "c.png"]
    assert asker.settings["shots"] == 2
    record = asker(GROUNDER, RGB, [samples[3]])[0]
    assert (record.id, record.references) == ("4", samples[3].references)
    # A query on an example's own picture is shown the spare one in its place: the answer does not see itself.
    own = asker(GROUNDER, RGB, [samples[0]])[0]
    swapped = by_example([samples[2], samples[3], samples[0]], tmp_path.__truediv__, 2)(GROUNDER, RGB, [samples[0]])[0]
    assert own.text == swapped.text
    with pytest.raises(InvalidArgumentError, match="3 examples of 3 pictures"):
        by_example(samples, tmp_path.__truediv__, 3)


def test_captions_by_beams_and_by_the_view():
    sample = CaptionSample("1", "a.png", ("a cup",))
    record = WrittenCaptions(beams=3, max_new_tokens=6)(GROUNDER, RGB, [sample])[0]
    assert (record.references, record.width, record.height) == (("a cup",), WIDTH, HEIGHT)
    assert not record.text.startswith("an image of")
    text = ViewCaptions(zoom=False)(GROUNDER, RGB, [sample])[0].text
    whole = GROUNDER.view(RGB).caption(zoom=False).text
    assert f"{prompts.PLAIN_CAPTION}{text}".lower().replace(" ", "") == whole.lower().replace(" ", "")


@pytest.mark.parametrize("asker", [WrittenAnswers(max_new_tokens=4), ViewAnswers()])
def test_questions_keep_their_answers_beside_them(asker):
    samples = [
        QuestionSample("1", "a.png", "what is it?", ("cup",) * 10, ("answer: other",)),
        QuestionSample("2", "a.png", "?"),
    ]
    first, second = asker(GROUNDER, RGB, samples)
    assert (first.asked, first.references, first.kinds) == ("what is it?", ("cup",) * 10, ("answer: other",))
    assert second.text == ""
    assert "names nothing" in second.refused
