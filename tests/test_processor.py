"""Pictures and prompts in the published layout."""

import numpy as np
import pytest
import torch
from PIL import Image

from kosmos_agent.errors import InvalidArgumentError, InvalidImageError
from kosmos_agent.markup import from_tagged
from kosmos_agent.model.config import ClipVisionConfig, ConvVisionConfig, Kosmos2Config
from kosmos_agent.processor import Processor, insert_boxes, quickly_stretched, stretched
from kosmos_agent.results import Box
from kosmos_agent.tokenizer import build_word_tokenizer

GREY = np.full((30, 50, 3), 128, np.uint8)


@pytest.fixture(scope="module")
def processor():
    return Processor(build_word_tokenizer(["the", "cup"]), image_size=32, image_tokens=4)


def test_sizes_come_from_the_configuration(processor):
    config = Kosmos2Config(vision=ClipVisionConfig(image_size=56), latent_query_num=7)
    made = Processor.for_config(processor.tokenizer, config)
    assert (made.image_size, made.image_tokens) == (56, 7)


@pytest.mark.parametrize("size", [(480, 640), (100, 100), (32, 32), (24, 20)])
@pytest.mark.parametrize("readable_only", [True, False])
def test_the_quick_stretch_is_the_published_one_but_for_rounding(size, readable_only):
    rgb = np.random.default_rng(size[0]).integers(0, 256, (*size, 3), dtype=np.uint8)
    rgb.flags.writeable = not readable_only
    exact, quick = stretched(rgb, 32), quickly_stretched(rgb, 32)
    apart = (exact.int() - quick.int()).abs()
    assert apart.max() <= 2
    assert (apart > 0).float().mean() < 0.02


def test_only_towers_of_our_own_take_the_quick_stretch(processor):
    rgb = np.random.default_rng(0).integers(0, 256, (90, 120, 3), dtype=np.uint8)
    published, own = (
        Processor.for_config(processor.tokenizer, Kosmos2Config(vision=vision(image_size=32), latent_query_num=4))
        for vision in (ClipVisionConfig, ConvVisionConfig)
    )
    exact = Processor(processor.tokenizer, image_size=32, image_tokens=4, published=True).pixels([rgb])
    torch.testing.assert_close(published.pixels([rgb]), exact, rtol=0, atol=0)
    assert not torch.equal(own.pixels([rgb]), exact)


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_surrounds_each_row_unchanged(processor, side):
    texts = ["the cup", "cup", "<grounding><phrase> the cup</phrase>"]
    batch = processor([GREY] * 3, texts, padding_side=side)
    assert batch.pixels.shape == (3, 3, 32, 32)
    for index, text in enumerate(texts):
        real = batch.attention_mask[index].bool()
        row = processor.prompt(text)
        assert batch.input_ids[index][real].tolist() == list(row.ids)
        assert batch.image_mask[index][real].tolist() == list(row.image_mask)
        assert (batch.input_ids[index][~real] == processor.tokenizer.pad_id).all()
        assert batch.image_mask[index][~real].sum() == 0
        assert real[-1 if side == "left" else 0]


def test_text_alone_has_no_image_slots(processor):
    batch = processor([], ["the cup"], add_eos=True)
    assert batch.pixels is None
    assert batch.image_mask.sum() == 0
    assert batch.input_ids[0].tolist() == [0, *processor.tokenizer.encode("the cup"), 2]


def test_several_pictures_in_one_row(processor):
    row = processor.interleaved(["the cup", "cup"])
    assert sum(row.image_mask) == 8
    assert row.ids.count(processor.tokenizer.image_id) == 2
    assert row.ids[-1] == processor.tokenizer.encode("cup")[0]


def test_boxes_go_behind_their_phrases(processor):
    box = Box(x1=0.0, y1=0.0, x2=0.5, y2=0.5)
    text = insert_boxes("a<phrase> b</phrase> c<phrase> d</phrase>e<phrase>f</phrase>", [None, [box, (3, 44)], []], 32)
    assert text.startswith("a<phrase> b</phrase> c<phrase> d</phrase><object>")
    assert text.endswith("</object>e<phrase>f</phrase>")
    (entity,) = from_tagged(text).entities
    assert (entity.text, len(entity.boxes)) == ("d", 2)
    assert insert_boxes("<phrase>b</phrase>", [(0.0, 0.0, 0.5, 0.5)], 32) == insert_boxes(
        "<phrase>b</phrase>", [box], 32
    )
    assert insert_boxes("<phrase>b</phrase>", None, 32) == "<phrase>b</phrase>"


@pytest.mark.parametrize(
    "boxes",
    [
        [None, None],  # one phrase only
        [[None]],
        [(0, 0, 1, 1)],  # four whole numbers: pixels by mistake
        [(0.1, 0.2, 0.3)],
        [(0, 1024)],
        [(True, False)],
        ["box"],
    ],
)
def test_malformed_boxes_are_refused(boxes):
    with pytest.raises(InvalidArgumentError, match="valid"):
        insert_boxes("<phrase> cup</phrase>", boxes, 32)


def test_counts_must_agree(processor):
    with pytest.raises(InvalidArgumentError, match="1 pictures for 2 texts"):
        processor([GREY], ["a", "b"])
    with pytest.raises(InvalidArgumentError, match="entries in boxes"):
        processor([], ["a", "b"], [None])
    with pytest.raises(InvalidArgumentError, match="at least one row"):
        processor([], [])
    with pytest.raises(InvalidArgumentError, match="left, right"):
        processor([], ["a"], padding_side="middle")


def test_every_mode_of_picture_gives_the_same_pixels(processor):
    grey = Image.fromarray(GREY)
    pixels = processor.pixels([GREY, grey, grey.convert("L"), grey.convert("RGBA")])
    assert all(torch.equal(pixels[0], other) for other in pixels)
    assert pixels.dtype == torch.float32


def test_transparent_parts_are_white_here_as_everywhere(processor):
    clear = Image.new("RGBA", (8, 8), (0, 0, 0, 0))
    assert torch.equal(processor.pixels([clear]), processor.pixels([Image.new("RGB", (8, 8), "white")]))


@pytest.mark.parametrize("array", [GREY.astype(np.float32), GREY[..., 0], np.zeros((0, 4, 3), np.uint8), GREY[..., :2]])
def test_other_arrays_are_refused(processor, array):
    with pytest.raises(InvalidImageError, match="valid"):
        processor.pixels([array])
