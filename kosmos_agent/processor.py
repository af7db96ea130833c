"""Picture -> pixel tensor, prompt -> token ids, in the published layout.

`<s> <image> [slots] </image> text`. The slots carry the ids 4, 5, ...; their embeddings are overwritten.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.images import as_rgb_array
from kosmos_agent.location import Pair, box_to_pair
from kosmos_agent.markup import pair_tags
from kosmos_agent.model.config import ClipVisionConfig, Kosmos2Config
from kosmos_agent.results import Box
from kosmos_agent.tokenizer import Tokenizer

IMAGE_MEAN = (0.48145466, 0.4578275, 0.40821073)
IMAGE_STD = (0.26862954, 0.26130258, 0.27577711)

Picture = Image.Image | NDArray[np.uint8]
"""A PIL image of any mode, or (H, W, 3) uint8 RGB."""

BoxInput = Box | Pair | tuple[float, float, float, float]
"""A box, a pair of location indices (two ints), or normalised corners (four floats)."""

PhraseBoxes = BoxInput | Sequence[BoxInput] | None
Side = Literal["left", "right"]

_PHRASE = re.compile(r"<phrase>.+?</phrase>")
_SCALE = torch.from_numpy(np.float32(1.0) / (np.float32(255.0) * np.asarray(IMAGE_STD, np.float32)))[:, None, None]
_OFFSET = torch.from_numpy(np.asarray(IMAGE_MEAN, np.float32) / np.asarray(IMAGE_STD, np.float32))[:, None, None]


@dataclass(frozen=True)
class PromptRow:
    """Ids of one prompt and, of the same length, 1 where an image slot stands."""

    ids: tuple[int, ...]
    image_mask: tuple[int, ...]

    def __add__(self, other: PromptRow) -> PromptRow:
        return PromptRow(self.ids + other.ids, self.image_mask + other.image_mask)


@dataclass(frozen=True)
class Batch:
    """What the model takes. pixels: (pictures, 3, S, S) float32. The rest: (B, T) int64; pads are 0 in both masks."""

    input_ids: Tensor
    attention_mask: Tensor
    image_mask: Tensor
    pixels: Tensor | None = None


class Processor:
    """`image_size` is the side that pictures are stretched to, `image_tokens` the slots per picture.

    published: stretch with Pillow, to the last bit as the published weights had it; without it torch does, several
    times as fast, by the same formula rounded otherwise (a level off in a few of a thousand values).
    """

    def __init__(
        self, tokenizer: Tokenizer, *, image_size: int = 224, image_tokens: int = 64, published: bool = True
    ) -> None:
        if image_size < 1 or image_tokens < 1:
            raise InvalidArgumentError(f"image_size {image_size} and image_tokens {image_tokens} must be positive")
        if tokenizer.first_image_slot_id + image_tokens > tokenizer.size:
            raise InvalidArgumentError(f"{image_tokens} image slots need a vocabulary of more than {tokenizer.size}")
        self.tokenizer = tokenizer
        self.image_size = image_size
        self.image_tokens = image_tokens
        self._stretch = stretched if published else quickly_stretched
        first = tokenizer.first_image_slot_id
        self.image_row = PromptRow(
            (tokenizer.image_id, *range(first, first + image_tokens), tokenizer.image_end_id),
            (0, *[1] * image_tokens, 0),
        )
        """`<image> [slots] </image>`."""

    @classmethod
    def for_config(cls, tokenizer: Tokenizer, config: Kosmos2Config) -> Processor:
        """Of a published tower, or of one of our own, which was not trained on Pillow's pixels."""
        published = isinstance(config.vision, ClipVisionConfig)
        size, slots = config.vision.image_size, config.latent_query_num
        return cls(tokenizer, image_size=size, image_tokens=slots, published=published)

    def __call__(
        self,
        pictures: Sequence[Picture],
        texts: Sequence[str],
        boxes: Sequence[Sequence[PhraseBoxes] | None] | None = None,
        *,
        padding_side: Side = "right",
        add_eos: bool = False,
    ) -> Batch:
        """One picture per text, or no picture at all. `boxes`: `insert_boxes` for each text."""
        if pictures and len(pictures) != len(texts):
            raise InvalidArgumentError(f"{len(pictures)} pictures for {len(texts)} texts; valid: one each, or none")
        if boxes is not None and len(boxes) != len(texts):
            raise InvalidArgumentError(f"{len(boxes)} entries in boxes for {len(texts)} texts; valid: one each")
        rows = [
            self.prompt(text, chosen, with_image=bool(pictures), add_eos=add_eos)
            for text, chosen in zip(texts, boxes or [None] * len(texts), strict=True)
        ]
        return self.batch(rows, self.pixels(pictures) if pictures else None, padding_side=padding_side)

    def prompt(
        self,
        text: str,
        boxes: Sequence[PhraseBoxes] | None = None,
        *,
        with_image: bool = True,
        add_eos: bool = False,
    ) -> PromptRow:
        """`<s>`, the image slots if wanted, the text's ids. User text must have been escaped."""
        row = self._plain((self.tokenizer.bos_id,))
        if with_image:
            row += self.image_row
        return row + self._plain(self._text_ids(text, boxes)) + self._plain((self.tokenizer.eos_id,) * add_eos)

    def interleaved(self, texts: Sequence[str]) -> PromptRow:
        """One row over several pictures: `<s>`, then for each text an image span and the text."""
        row = self._plain((self.tokenizer.bos_id,))
        for text in texts:
            row = row + self.image_row + self._plain(self._text_ids(text, None))
        return row

    def batch(self, rows: Sequence[PromptRow], pixels: Tensor | None = None, *, padding_side: Side = "right") -> Batch:
        """Rows padded to the longest."""
        if not rows:
            raise InvalidArgumentError("a batch needs at least one row")
        if padding_side not in ("left", "right"):
            raise InvalidArgumentError(f"padding_side {padding_side!r}; valid: left, right")
        length = max(len(row.ids) for row in rows)
        ids = torch.full((len(rows), length), self.tokenizer.pad_id, dtype=torch.int64)
        attention, mask = torch.zeros_like(ids), torch.zeros_like(ids)
        for index, row in enumerate(rows):
            start = length - len(row.ids) if padding_side == "left" else 0
            filled = slice(start, start + len(row.ids))
            ids[index, filled] = torch.tensor(row.ids, dtype=torch.int64)
            mask[index, filled] = torch.tensor(row.image_mask, dtype=torch.int64)
            attention[index, filled] = 1
        return Batch(ids, attention, mask, pixels)

    def pixels(self, pictures: Sequence[Picture]) -> Tensor:
        """(pictures, 3, S, S) float32: stretched to a square (bicubic, never cropped), CLIP mean and deviation."""
        if not pictures:
            raise InvalidArgumentError("no picture given")
        levels = torch.stack([self._stretch(as_rgb_array(picture), self.image_size) for picture in pictures])
        return levels.to(torch.float32, memory_format=torch.contiguous_format).mul_(_SCALE).sub_(_OFFSET)

    def _text_ids(self, text: str, boxes: Sequence[PhraseBoxes] | None) -> tuple[int, ...]:
        return self.tokenizer.encode_words(insert_boxes(text.strip(), boxes, self.tokenizer.grid_side))

    @staticmethod
    def _plain(ids: tuple[int, ...]) -> PromptRow:
        return PromptRow(ids, (0,) * len(ids))


def stretched(rgb: NDArray[np.uint8], side: int) -> Tensor:
    """(H, W, 3) uint8 -> (3, side, side) uint8, bicubic."""
    image = Image.fromarray(rgb).resize((side, side), Image.Resampling.BICUBIC)
    return torch.from_numpy(np.array(image)).permute(2, 0, 1)


def quickly_stretched(rgb: NDArray[np.uint8], side: int) -> Tensor:
    """As `stretched`, but for the rounding."""
    levels = torch.from_numpy(np.require(rgb, requirements=["C", "W"])).permute(2, 0, 1)[None]
    return F.interpolate(levels, (side, side), mode="bicubic", antialias=True)[0]


def insert_boxes(text: str, boxes: Sequence[PhraseBoxes] | None, side: int) -> str:
    """`text` with an `<object>` group behind each `<phrase>...</phrase>` whose entry holds boxes.

    boxes: None, or one entry per phrase in order: None or an empty list (no box), one box, or a list of boxes.
    InvalidArgumentError when the counts differ or an entry is none of these.
    """
    if not boxes:
        return text
    phrases = list(_PHRASE.finditer(text))
    if len(phrases) != len(boxes):
        raise InvalidArgumentError(f"{len(boxes)} entries in boxes for {len(phrases)} phrases; valid: one per phrase")
    parts: list[str] = []
    position = 0
    for match, entry in zip(phrases, boxes, strict=True):
        parts += [text[position : match.end()], _object_group(entry, side)]
        position = match.end()
    return "".join(parts) + text[position:]


def _object_group(entry: PhraseBoxes, side: int) -> str:
    if entry is None:
        return ""
    boxes = entry if isinstance(entry, list) else [entry]
    return pair_tags([_to_pair(box, side) for box in boxes])


def _to_pair(box: object, side: int) -> Pair:
    if isinstance(box, Box):
        return box_to_pair(box.corners, side)
    if isinstance(box, tuple) and len(box) == 4 and all(isinstance(value, float) for value in box):
        return box_to_pair(box, side)
    if isinstance(box, tuple) and len(box) == 2 and all(type(value) is int for value in box):
        first, last = box
        if all(0 <= index < side * side for index in (first, last)):
            return first, last
    raise InvalidArgumentError(
        f"{box!r} is no box; valid: Box, four floats x1, y1, x2, y2, or two ints from 0 to {side * side - 1}"
    )
