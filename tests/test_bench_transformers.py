"""The other side is what it claims to be: the same weights, the same answers, with either tower."""

import pytest
import torch
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent.benchmarking.answers import AnswerCheck, Answers, Questions, our_answers, their_answers
from kosmos_agent.benchmarking.transformers_side import BOX_TOKENS, CarefulUse, PlainUse, TransformersSide
from kosmos_agent.benchmarking.works import PHRASES, WORKS, noise_picture
from kosmos_agent.grounder import Grounder
from kosmos_agent.model.checkpoint import save_model

PICTURE = noise_picture()


@pytest.fixture(scope="module", params=[False, True], ids=["published tower", "embedded tower"])
def sides(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(tiny_model(3, conv=request.param, location_gain=2.0), folder, tokenizer=TOKENIZER)
    return Grounder.load(folder, dtype="float32"), TransformersSide.load(folder, torch.float32)


def test_both_see_the_same_in_the_picture(sides):
    ours, theirs = sides
    with torch.inference_mode():
        mine = ours.model.encode_image(ours.processor.pixels([PICTURE]))
    assert torch.allclose(mine, theirs.embeds(PICTURE), atol=1e-5)


def test_both_answer_alike(sides):
    ours, theirs = sides
    questions = Questions(PICTURE, PHRASES, 12)
    check = AnswerCheck.of(our_answers(ours, questions), their_answers(theirs, questions))
    assert check.alike, check
    assert check.phrases == len(PHRASES)


def test_the_careful_use_writes_what_the_plain_one_does(sides):
    _, theirs = sides
    one_by_one = torch.cat([theirs.write_box(PICTURE, phrase) for phrase in PHRASES])
    assert one_by_one.shape == (len(PHRASES), BOX_TOKENS)
    assert torch.equal(theirs.write_boxes(theirs.embeds(PICTURE), PHRASES), one_by_one)


def test_both_uses_do_their_works(sides):
    _, theirs = sides
    plain, careful = PlainUse(theirs, "plain").calls(PICTURE), CarefulUse(theirs, "careful").calls(PICTURE)
    assert plain.keys() == WORKS.keys()
    assert careful.keys() <= WORKS.keys()
    assert careful["ready_1"]().shape == (1, BOX_TOKENS)


def test_an_unlike_answer_is_seen():
    one = Answers(((1, 2), (3, 4)), (5, 6, 7))
    check = AnswerCheck.of(one, Answers(((1, 2), (3, 5)), (5, 6, 8, 9)))
    assert (check.boxes_alike, check.caption_alike, check.caption_tokens) == (1, 2, 4)
    assert not check.alike
    assert AnswerCheck.of(one, one).alike
    assert not AnswerCheck.of(one, Answers(one.pairs, (5, 6))).alike, "an end that comes sooner is no same answer"
