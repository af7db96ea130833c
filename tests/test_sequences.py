"""Packed training rows: what is said, what is asked for, who sees whom."""

import numpy as np
import pytest
import torch
from kosmos_sim.words import vocabulary
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent.location import box_to_pair
from kosmos_agent.tokenizer import build_word_tokenizer
from kosmos_agent.training.batches import Collate, Vocabulary
from kosmos_agent.training.examples import Example, ExampleObject, Piece, Task
from kosmos_agent.training.losses import packed_hidden
from kosmos_agent.training.sequences import TELL_END_EVERY, pack, prefix_ids

BOX, OTHER = (0.1, 0.2, 0.4, 0.6), (0.5, 0.5, 0.9, 0.8)
SLOTS = 4
REFER = Task("attribute", (Piece(" the red cup", (BOX,), (1,), "text"),))
PLURAL = Task("plural", (Piece(" the cup", (BOX, OTHER), (1, 2), "text"),))
ABSENT = Task("absent", (Piece(" the blue box", (), (), "text"),))
DESCRIBE = Task("describe", (Piece(" It", (BOX,), (1,), "all"), Piece(" is", given="all"), Piece(" the red cup")))
CAPTION = Task(
    "caption",
    (
        Piece(" an image of", given="all"),
        Piece(" the red cup", (BOX,), (1,)),
        Piece(","),
        Piece(" the box", (OTHER,), (2,)),
    ),
)
QUESTION = Task("question", (Piece(" Question: what is it? Answer:", given="all"), Piece(" the cup")), grounded=False)


def example(*tasks, size=64):
    rgb = np.random.default_rng(0).integers(0, 255, (size, size, 3), dtype=np.uint8)
    instances = np.zeros((112, 112), np.uint8)
    instances[22:67, 11:45], instances[56:90, 56:101] = 1, 2
    return Example(rgb, instances, (ExampleObject("cup", "red", BOX), ExampleObject("box", "blue", OTHER)), tasks)


def said(row, number):
    """Text of segment `number` and of its targets."""
    inside = row.segments == number
    wanted = [int(token) for token in row.targets[inside] if token >= 0]
    ids = row.ids[inside].tolist()
    return TOKENIZER.decode(ids, skip_special=False), TOKENIZER.decode(wanted, skip_special=False)


def placed(task, number):
    """A row in which `task` is segment `number`, behind absent things."""
    return pack(example(*[ABSENT] * (number - 1), task), TOKENIZER, SLOTS)


def pair(box):
    return "".join(f"<patch_index_{index:04d}>" for index in box_to_pair(box))


@pytest.mark.parametrize(
    ("task", "text", "targets"),
    [
        (
            REFER,
            f"<grounding><phrase> the red cup</phrase><object>{pair(BOX)}</object>",
            f"<object>{pair(BOX)}</object></s>",
        ),
        (ABSENT, "<grounding><phrase> the blue box</phrase>", "</s>"),
        (
            DESCRIBE,
            f"<grounding><phrase> it</phrase><object>{pair(BOX)}</object> is the red cup",
            "the red cup</s>",
        ),
        (QUESTION, "question: what is it? answer: the cup", "the cup</s>"),
    ],
)
def test_text_and_targets(task, text, targets):
    row = placed(task, TELL_END_EVERY)
    assert said(row, TELL_END_EVERY) == (text, targets)


def test_most_single_boxes_stop_at_their_second_corner():
    row = pack(example(REFER), TOKENIZER, SLOTS)
    first, second = (f"<patch_index_{index:04d}>" for index in box_to_pair(BOX))
    text, targets = said(row, 1)
    assert text == f"<grounding><phrase> the red cup</phrase><object>{first}"
    assert targets == f"<object>{first}{second}"


def test_plural_boxes_are_joined_by_the_delimiter_and_all_pointed_at():
    row = pack(example(PLURAL), TOKENIZER, SLOTS)
    text, _ = said(row, 1)
    assert f"<object>{pair(BOX)}</delimiter_of_multi_objects/>{pair(OTHER)}</object>" in text
    assert row.pointers[row.pointers > 0].tolist() == [1, 2]
    opening = row.ids[row.pointers > 0].tolist()
    assert opening == [TOKENIZER.object_id, TOKENIZER.delimiter_id]


@pytest.mark.parametrize("tokenizer", [TOKENIZER, build_word_tokenizer(vocabulary())], ids=["no commas", "commas"])
def test_a_comma_after_a_box_gains_no_space_token(tokenizer):
    row = pack(example(CAPTION), tokenizer, SLOTS)
    ids = row.ids.tolist()
    after = ids[ids.index(tokenizer.object_end_id) + 1]
    assert tokenizer.token(after) == ","
    assert "an image of" not in tokenizer.decode([int(token) for token in row.targets if token >= 0])


def test_every_target_is_the_next_token_of_its_segment():
    row = pack(example(REFER, PLURAL, DESCRIBE, QUESTION), TOKENIZER, SLOTS)
    last = len(row.ids) - 1
    inner = [p for p in np.flatnonzero(row.targets >= 0) if p < last and row.segments[p + 1] == row.segments[p]]
    assert len(inner) > 8
    for place in inner:
        assert row.targets[place] == row.ids[place + 1]


def test_positions_of_every_segment_go_on_from_the_prefix():
    row = pack(example(REFER, ABSENT), TOKENIZER, SLOTS)
    length = len(prefix_ids(TOKENIZER, SLOTS))
    assert row.positions[:length].tolist() == list(range(2, 2 + length))
    for number in (1, 2):
        assert row.positions[row.segments == number][0] == 2 + length


def test_tasks_that_do_not_fit_are_left_out_whole():
    row = pack(example(REFER, CAPTION, ABSENT), TOKENIZER, SLOTS, max_tokens=30)
    assert set(row.segments.tolist()) == {0, 1, 3}


@torch.inference_mode()
def test_a_packed_segment_computes_what_it_would_alone():
    model = tiny_model(0, conv=True)
    collate = Collate(TOKENIZER, Vocabulary(("cup", "box"), ("red", "blue")), SLOTS)
    together = collate([example(REFER, PLURAL, QUESTION), example(REFER)])
    vision = model.vision_model(together.pixels())
    packed = packed_hidden(model, vision, together)
    for number, task in enumerate((REFER, PLURAL, QUESTION), start=1):
        alone = collate([example(task)])
        hidden = packed_hidden(model, vision[:1], alone)[0, alone.segments[0] == 1]
        assert torch.allclose(packed[0, together.segments[0] == number], hidden, atol=1e-4)


def test_dense_labels_name_what_covers_each_cell():
    batch = Collate(TOKENIZER, Vocabulary(("cup", "box"), ("red", "blue")), SLOTS)([example(REFER)])
    category, colour = batch.category.view(4, 4), batch.colour.view(4, 4)
    assert category[1, 0] == colour[1, 0] == 1
    assert category[2, 2] == colour[2, 2] == 2
    assert category[3, 0] == 0
    assert torch.allclose(batch.coverage.sum(dim=1), torch.ones(1, 16))
    assert batch.box.view(4, 4, 4)[1, 0].tolist() == pytest.approx(BOX)


def test_batches_go_round_the_sides_and_labels_follow():
    collate = Collate(TOKENIZER, Vocabulary(("cup", "box"), ("red", "blue")), SLOTS, smallest_px=64)
    batches = [collate([example(REFER, size=128), example(ABSENT, size=128)]) for _ in range(6)]
    sides = [batch.rgb.shape[1] for batch in batches]
    assert sides[:3] == sides[3:]
    assert sorted(set(sides)) == [64, 96, 128]
    for batch, side in zip(batches, sides, strict=True):
        assert batch.category.shape == (2, (side // 16) ** 2)
