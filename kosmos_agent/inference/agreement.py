"""Does a faster number type answer as float32 does? The loaded model's own answers to fixed pictures and phrases.

What is compared are distributions, not the boxes that win: how likely `<object>` is, and where the corners lie.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from kosmos_agent import prompts
from kosmos_agent.inference.frame import continue_frame, encode_frame
from kosmos_agent.inference.grammar import Grammar
from kosmos_agent.inference.prompt import ReadPrompt, read
from kosmos_agent.model.engine import Engine
from kosmos_agent.processor import Processor
from kosmos_agent.tokenizer import Tokenizer

PHRASES = ("the red cup", "the blue box", "a person", "the green ball left of the box")
MOST_PRESENCE_CHANGE = 0.05
MOST_LOCATION_CHANGE = 0.1
_SIDE_PX = 224


@dataclass(frozen=True)
class Answers:
    """To all phrases on all pictures, n in all. presence: (n,) probability of `<object>`.

    corners: (n, 2, locations) probabilities of the first corner and of the second behind the first corner `first`.
    """

    presence: Tensor
    corners: Tensor
    first: Tensor


@dataclass(frozen=True)
class Agreement:
    """presence: mean change of the probability of `<object>`. location: mean share of a corner's probability that lies
    elsewhere (total variation distance), of 1.
    """

    presence: float
    location: float

    @property
    def is_close(self) -> bool:
        """NaN is never close."""
        return self.presence <= MOST_PRESENCE_CHANGE and self.location <= MOST_LOCATION_CHANGE


def compare(reference: Answers, other: Answers) -> Agreement:
    """`other` answered with the first corners of `reference`."""
    presence = (reference.presence - other.presence).abs().mean()
    location = (reference.corners - other.corners).abs().sum(dim=-1).mean() / 2
    return Agreement(float(presence), float(location))


@torch.inference_mode()
def sample_answers(model: Engine, processor: Processor, first: Tensor | None = None) -> Answers:
    """first: (n,) first corners to look behind; the model's own likeliest without."""
    tokenizer = processor.tokenizer
    texts = [tokenizer.encode_words(prompts.phrase_grounding(phrase)) for phrase in PHRASES]
    parts = []
    for number, picture in enumerate(sample_pictures()):
        frame = encode_frame(model, processor, picture)
        forced = None if first is None else first[number * len(texts) : (number + 1) * len(texts)]
        parts.append(_answers(model, tokenizer, continue_frame(model, frame, texts, 0), forced))
    return Answers(*(torch.cat([getattr(part, name) for part in parts]) for name in ("presence", "corners", "first")))


def _answers(model: Engine, tokenizer: Tokenizer, prompt: ReadPrompt, first: Tensor | None) -> Answers:
    rows = slice(tokenizer.first_location_id, tokenizer.first_location_id + tokenizer.location_count)
    presence = model.logits(prompt.hidden).float().softmax(dim=-1)[:, tokenizer.object_id]
    opened = read(model, _column(torch.full_like(prompt.ids[:, 0], tokenizer.object_id)), after=prompt)
    first_p = model.logits(opened.hidden, rows).float().softmax(dim=-1)
    first = first_p.argmax(dim=-1) if first is None else first.to(first_p.device)
    begun = read(model, _column(first + tokenizer.first_location_id), after=opened)
    allowed = Grammar(tokenizer, model.device).second_corners(first)
    second_p = model.logits(begun.hidden, rows).float().masked_fill(~allowed, -torch.inf).softmax(dim=-1)
    return Answers(presence.cpu(), torch.stack([first_p, second_p], dim=1).cpu(), first.cpu())


def _column(ids: Tensor) -> Tensor:
    return ids[:, None]


def sample_pictures() -> list[NDArray[np.uint8]]:
    """Coloured boxes and discs on shaded grounds, the same on every machine."""
    return [_picture(((60, 90, 40), (200, 40, 40)), 0.3), _picture(((150, 140, 120), (40, 60, 190)), 0.7)]


def _picture(colours: tuple[tuple[int, int, int], tuple[int, int, int]], centre: float) -> NDArray[np.uint8]:
    y, x = np.mgrid[:_SIDE_PX, :_SIDE_PX] / _SIDE_PX
    picture = np.array(colours[0]) + 60 * np.stack([x, y, x * y], axis=-1)
    picture[np.hypot(x - centre, y - 0.6) < 0.15] = colours[1]
    picture[(abs(x - 1 + centre) < 0.1) & (abs(y - 0.4) < 0.2)] = colours[1][::-1]
    return picture.astype(np.uint8)
