"""Samples, rows and batches: what is learnt of a sequence, and that packed neighbours never meet."""

import numpy as np
import pytest
import torch
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent.errors import InvalidSampleError
from kosmos_agent.processor import Processor
from kosmos_agent.results import Box, Entity, GroundedText
from kosmos_agent.training.rows.batch import batch_of
from kosmos_agent.training.rows.packing import Placed, packed, passes
from kosmos_agent.training.rows.sample import NO_TARGET, SampleWriter, answers_about
from kosmos_agent.training.scale.loss import Learner
from kosmos_agent.training.sources.referring import as_expression, as_location, expression_text

SLOTS, SIDE = 4, 28
MODEL = tiny_model(0, slots=SLOTS)


def picture(seed):
    return np.random.default_rng(seed).integers(0, 256, (SIDE, SIDE, 3), np.uint8)


def words(text):
    return TOKENIZER.encode(text)


def captioned(seed, text):
    writer = SampleWriter(TOKENIZER, SLOTS).begin().picture(picture(seed))
    return writer.add(words(text)).add([TOKENIZER.eos_id]).finish()


def document(text):
    return SampleWriter(TOKENIZER, SLOTS).begin(speaks=True).add(words(text)).add([TOKENIZER.eos_id]).finish()


def learnt(sample):
    return [int(target) for target in sample.targets if target != NO_TARGET]


def logits(samples, *, together):
    """Of each sample alone, or of all in one row."""
    rows = (
        [tuple(Placed(sample, 0) for sample in samples)] if together else [(Placed(sample, 0),) for sample in samples]
    )
    batch = batch_of(rows, TOKENIZER.pad_id, SIDE)
    with torch.no_grad():
        hidden = Learner(MODEL, head_chunk=10_000, sources=1)._hidden(batch)
    if together:
        return list(MODEL.logits(hidden[0, : sum(map(len, samples))]).split([len(sample) for sample in samples]))
    return [MODEL.logits(row[: len(sample)]) for row, sample in zip(hidden, samples, strict=True)]


def test_a_caption_is_learnt_from_the_end_of_the_picture_on():
    sample = captioned(0, "the red cup")
    assert learnt(sample) == [*words("the red cup"), TOKENIZER.eos_id]
    first = list(sample.targets != NO_TARGET).index(True)
    assert sample.ids[first] == TOKENIZER.image_end_id
    assert sample.slots.sum() == SLOTS
    assert sample.positions.tolist() == list(range(2, 2 + len(sample)))


def test_a_document_is_learnt_from_its_first_word():
    sample = document("the red cup")
    assert learnt(sample) == [*words("the red cup"), TOKENIZER.eos_id]
    assert sample.ids[0] == TOKENIZER.bos_id


def test_packed_samples_give_the_logits_that_they_give_alone():
    samples = [captioned(1, "the red cup"), document("it is the blue box"), captioned(2, "an image of the box")]
    for alone, packed_one in zip(logits(samples, together=False), logits(samples, together=True), strict=True):
        assert torch.allclose(alone, packed_one, atol=2e-5)


def test_a_changed_neighbour_changes_nothing():
    first = captioned(1, "the red cup")
    one, other = (
        logits([first, captioned(seed, text), first], together=True) for seed, text in ((2, "of"), (3, "box"))
    )
    assert torch.equal(one[0], other[0])
    assert torch.equal(one[2], other[2])
    assert not torch.equal(one[1], other[1])


def test_answers_about_one_picture_do_not_see_each_other():
    answers = [words("the red cup"), words("it is the blue box")]
    together = answers_about(picture(1), [(ids, [True] * len(ids)) for ids in answers], TOKENIZER, SLOTS)
    alone = [answers_about(picture(1), [(ids, [True] * len(ids))], TOKENIZER, SLOTS) for ids in answers]
    whole = logits([together], together=True)[0]
    prefix = int((together.segments == 0).sum())
    for number, single in enumerate(alone, start=1):
        found = whole[torch.from_numpy(together.segments == number)]
        assert torch.allclose(found, logits([single], together=True)[0][prefix:], atol=2e-5)


def test_rows_keep_their_bound_and_lose_nothing():
    samples = [Placed(document("the red cup " * count), count) for count in (3, 9, 1, 4, 7, 2, 2)]
    rows = packed(samples, 40)
    assert all(sum(len(placed.sample) for placed in row) <= 40 for row in rows)
    assert sorted(placed.source for row in rows for placed in row) == [1, 2, 2, 3, 4, 7, 9]
    assert len(rows) < len(packed(samples, 40, share_rows=False)) == len(samples)
    groups = passes(rows, 2)
    assert {id(row) for group in groups for row in group} == {id(row) for row in rows}
    assert [len(group) for group in groups[:-1]] == [2] * (len(groups) - 1)
    with pytest.raises(InvalidSampleError, match=r"a sample of \d+ tokens does not fit a row of 10"):
        packed(samples, 10)


def test_the_loss_is_the_mean_over_learnt_tokens_by_hand():
    samples = [captioned(1, "the red cup"), document("it is the box")]
    expected = [
        torch.nn.functional.cross_entropy(
            found, torch.from_numpy(sample.targets), ignore_index=NO_TARGET, reduction="sum"
        )
        for found, sample in zip(logits(samples, together=False), samples, strict=True)
    ]
    batch = batch_of([(Placed(samples[0], 0), Placed(samples[1], 1))], TOKENIZER.pad_id, SIDE)
    for chunk in (1000, 3):
        total, by_source = Learner(MODEL, head_chunk=chunk, sources=2)(batch)
        assert torch.allclose(by_source, torch.stack(expected), rtol=1e-5)
        assert total.item() == pytest.approx(sum(expected).item(), rel=1e-5)


def test_an_empty_batch_gives_no_loss_and_reaches_every_weight():
    model = tiny_model(0, slots=SLOTS).requires_grad_(True)
    total, by_source = Learner(model, head_chunk=8, sources=2, always_sees=True)(batch_of([], TOKENIZER.pad_id, SIDE))
    total.backward()
    assert total.item() == 0
    assert by_source.tolist() == [0, 0]
    reached = {name for name, value in model.named_parameters() if value.grad is not None}
    assert reached == {name for name, _ in model.named_parameters()}


def test_pixels_are_those_of_the_processor():
    batch = batch_of([(Placed(captioned(5, "cup"), 0),)], TOKENIZER.pad_id, SIDE)
    expected = Processor(TOKENIZER, image_size=SIDE, image_tokens=SLOTS).pixels([picture(5)])
    assert torch.allclose(batch.pixels(), expected, atol=1e-5)


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (0, "What is it? It is a red cup."),
        (1, "What is this? This is a red cup."),
        (2, "Describe this object. This object is a red cup."),
        (3, "It is a red cup."),
        (4, "This is a red cup."),
        (5, "The object is a red cup."),
    ],
)
def test_the_six_templates_of_table_9(template, text):
    entity = Entity(text="a red cup", start=0, end=9, boxes=(Box(x1=0.1, y1=0.1, x2=0.5, y2=0.5),))
    filled = expression_text(template, entity)
    pointer = filled.entities[0]
    assert filled.text == text
    assert (
        filled.text[pointer.start : pointer.end]
        == pointer.text
        in ("it", "this", "this object", "It", "This", "The object")
    )
    assert pointer.boxes == entity.boxes


def test_of_a_grounded_instruction_the_answer_is_learnt():
    entity = Entity(text="the red cup", start=0, end=11, boxes=(Box(x1=0.1, y1=0.1, x2=0.5, y2=0.5),))
    pair = [TOKENIZER.location_id(3 * 32 + 3), TOKENIZER.location_id(16 * 32 + 16)]
    place = as_location(SampleWriter(TOKENIZER, SLOTS).begin(), entity).finish()
    assert learnt(place) == [TOKENIZER.object_id, *pair, TOKENIZER.object_end_id, TOKENIZER.eos_id]
    said = as_expression(SampleWriter(TOKENIZER, SLOTS).begin(), entity, np.random.default_rng(0)).finish()
    assert learnt(said)[-len(words("the red cup.")) :] == [*words("the red cup.")[1:], TOKENIZER.eos_id]
    assert not set(pair) & set(learnt(said))
    assert GroundedText(text="x", entities=()).text == "x"
