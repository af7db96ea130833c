"""Equality of texts, boxes, batches and post-processing with the installed `transformers` processor."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import CLIPImageProcessorPil, Kosmos2Processor, PreTrainedTokenizerFast
from transformers.models.kosmos2.processing_kosmos2 import (
    clean_text_and_extract_entities_with_bboxes,
    coordinate_to_patch_index,
    patch_index_to_coordinate,
)

from kosmos_agent.errors import InvalidArgumentError, InvalidBoxError
from kosmos_agent.location import box_to_pair, pair_to_corners
from kosmos_agent.markup import post_process
from kosmos_agent.processor import Processor
from kosmos_agent.tokenizer import build_word_tokenizer

FAST = settings(derandomize=True, max_examples=150, deadline=None)
FEW = settings(derandomize=True, max_examples=15, deadline=None)

FRAGMENTS = [
    "<phrase>",
    "</phrase>",
    "<object>",
    "</object>",
    "</delimiter_of_multi_objects/>",
    "<grounding>",
    "<patch_index_0005>",
    "<patch_index_0101>",
    "<phrase> a cup</phrase><object><patch_index_0005><patch_index_0101></object>",
    "<object><patch_index_0044><patch_index_0863></object>",
    " cup",
    " ",
    "x",
    "<",
    ">",
    ".",
]


@pytest.fixture(scope="module")
def processors(tmp_path_factory):
    """Ours and theirs over the same tokenizer file."""
    file = tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"
    tokenizer = build_word_tokenizer(["a", "the", "cup", "is"])
    tokenizer.save(file)
    names = {"bos": "<s>", "eos": "</s>", "unk": "<unk>", "pad": "<pad>", "mask": "<mask>"}
    named = {f"{name}_token": token for name, token in names.items()}
    theirs = PreTrainedTokenizerFast(tokenizer_file=str(file), **named)
    pictures = CLIPImageProcessorPil(size={"height": 48, "width": 48}, do_center_crop=False)
    return Processor(tokenizer, image_size=48, image_tokens=6), Kosmos2Processor(pictures, theirs)


@FAST
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=14).map("".join))
def test_post_processing_of_any_sequence_of_tags(text):
    clean, entities = clean_text_and_extract_entities_with_bboxes(text)
    assert post_process(text) == (clean, entities)


@FAST
@given(st.lists(st.floats(0, 1), min_size=4, max_size=4), st.sampled_from([16, 32]))
def test_boxes_inside_the_picture(box, side):
    try:
        wanted = coordinate_to_patch_index(box, side)
    except ValueError:
        with pytest.raises(InvalidBoxError):
            box_to_pair(box, side)
        return
    if min(wanted) >= 0:  # theirs leaves the grid for an edge within rounding of 0
        assert box_to_pair(box, side) == wanted


@FAST
@given(st.integers(0, 1023), st.integers(0, 1023))
def test_pairs(first, last):
    assert pair_to_corners((first, last)) == patch_index_to_coordinate(first, last, 32)


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("add_eos", [False, True])
@FEW
@given(texts=st.lists(st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join), min_size=1, max_size=3))
def test_batches(processors, side, add_eos, texts):
    ours, theirs = processors
    theirs.tokenizer.padding_side = side
    pictures = [np.full((9 + index, 20, 3), 40 * index, np.uint8) for index in range(len(texts))]
    wanted = theirs(
        images=pictures, text=texts, num_image_tokens=6, add_eos_token=add_eos, padding=True, return_tensors="pt"
    )
    batch = ours(pictures, texts, padding_side=side, add_eos=add_eos)
    assert batch.input_ids.tolist() == wanted["input_ids"].tolist()
    assert batch.attention_mask.tolist() == wanted["attention_mask"].tolist()
    assert batch.image_mask.tolist() == wanted["image_embeds_position_mask"].tolist()
    assert torch.allclose(batch.pixels, wanted["pixel_values"], atol=2e-6)


BOX_INPUTS = [
    None,
    [],
    [None],
    [[]],
    [(0.1, 0.2, 0.9, 0.8)],
    [(3, 44)],
    [[(3, 44), (0.0, 0.0, 1.0, 1.0)]],
    [None, (3, 44)],
    [[None]],
    [(0, 0, 1, 1)],
    [(1, 2, 3)],
    ["x"],
]


@pytest.mark.parametrize("boxes", BOX_INPUTS)
@pytest.mark.parametrize("text", ["<phrase> the cup</phrase> is", "the cup"])
def test_boxes_with_a_text(processors, text, boxes):
    ours, theirs = processors
    try:
        wanted = theirs(text=text, bboxes=boxes)["input_ids"]
    except ValueError:
        with pytest.raises(InvalidArgumentError):
            ours.prompt(text, boxes, with_image=False)
    else:
        assert list(ours.prompt(text, boxes, with_image=False).ids) == wanted


@FEW
@given(st.lists(st.sampled_from(FRAGMENTS), max_size=8).map("".join), st.booleans())
def test_decoding(processors, text, skip):
    ours, theirs = processors
    ids = [*ours.prompt(text).ids, 2, 1]
    assert ours.tokenizer.decode(ids, skip_special=skip) == theirs.tokenizer.decode(ids, skip_special_tokens=skip)


@pytest.mark.parametrize("size", [(61, 97), (300, 40), (48, 48), (2, 5), (480, 640)])
def test_pixels_of_any_shape_of_picture(processors, size):
    ours, theirs = processors
    picture = np.random.default_rng(sum(size)).integers(0, 256, (*size, 3), dtype=np.uint8)
    wanted = theirs.image_processor(picture, return_tensors="pt")["pixel_values"]
    assert torch.allclose(ours.pixels([picture]), wanted, atol=2e-6)
