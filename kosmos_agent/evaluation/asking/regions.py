"""What is in this box? Referring expression generation, with or without examples in front (paper 4.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from kosmos_agent import prompts
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.evaluation.asking.asker import Rgb
from kosmos_agent.evaluation.asking.writing import plain_words, write_behind
from kosmos_agent.evaluation.benchmarks.samples import RegionSample
from kosmos_agent.evaluation.scores.texts import TextRecord
from kosmos_agent.grounder import Grounder
from kosmos_agent.images import load_image
from kosmos_agent.inference.generate import Decoding, generate
from kosmos_agent.inference.prompt import read
from kosmos_agent.processor import Picture
from kosmos_agent.results import Box
from kosmos_agent.view import MAX_PHRASES

MOST_SHOTS = 8


@dataclass(frozen=True)
class WrittenRegions:
    """`<grounding><phrase> It</phrase><object>...</object> is`, greedy."""

    max_new_tokens: int = 64

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"protocol": "paper", "shots": 0, **asdict(self)}

    def __call__(self, grounder: Grounder, rgb: Rgb, samples: Sequence[RegionSample]) -> list[TextRecord]:
        texts = [prompts.expression_generation(box_of(sample)) for sample in samples]
        written = write_behind(grounder, grounder.view(rgb).encoded, texts, self.max_new_tokens)
        return [_record(sample, text) for sample, text in zip(samples, written, strict=True)]


@dataclass(frozen=True)
class Shot:
    """An example in front of the query: a picture, a box in it, and the first thing that was said of it."""

    image: str
    path: Path
    box: Box
    expression: str


@dataclass(frozen=True)
class RegionsByExample:
    """k pictures with a box and its expression, then the query, in one row (figure 5; its strings are not printed).

    The examples are the same for every query but those of their own pictures, which get `spare` ones.
    """

    shots: tuple[Shot, ...]
    spare: tuple[Shot, ...]
    max_new_tokens: int = 64

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"protocol": "paper", "shots": len(self.shots), "max_new_tokens": self.max_new_tokens}

    def __call__(self, grounder: Grounder, rgb: Rgb, samples: Sequence[RegionSample]) -> list[TextRecord]:
        shown = [shot for shot in (*self.shots, *self.spare) if shot.image != samples[0].image]
        shots = shown[: len(self.shots)]
        pictures: list[Picture] = [load_image(shot.path) for shot in shots]
        pixels = grounder.processor.pixels([*pictures, rgb])
        embeds = _encoded(grounder, pixels)
        return [_record(sample, self._write(grounder, embeds, shots, sample)) for sample in samples]

    def _write(self, grounder: Grounder, embeds: torch.Tensor, shots: Sequence[Shot], sample: RegionSample) -> str:
        examples = [(shot.box, shot.expression) for shot in shots]
        row = grounder.processor.interleaved(prompts.few_shot_expression_generation(examples, box_of(sample)))
        device = grounder.model.device
        ids, mask = (torch.tensor([values], device=device) for values in (row.ids, row.image_mask))
        prompt = read(grounder.model, ids, image_embeds=embeds, image_mask=mask, room=self.max_new_tokens)
        decoding = Decoding(max_new_tokens=self.max_new_tokens, grammar=False)
        return plain_words(grounder, generate(grounder.model, grounder.tokenizer, prompt, decoding)[0])


@dataclass(frozen=True)
class DescribedRegions:
    """`View.describe_all`."""

    zoom: bool | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"protocol": "view", **asdict(self)}

    def __call__(self, grounder: Grounder, rgb: Rgb, samples: Sequence[RegionSample]) -> list[TextRecord]:
        view, boxes = grounder.view(rgb), [box_of(sample) for sample in samples]
        starts = range(0, len(boxes), MAX_PHRASES)
        texts = [text for k in starts for text in view.describe_all(boxes[k : k + MAX_PHRASES], zoom=self.zoom)]
        return [_record(sample, text.text) for sample, text in zip(samples, texts, strict=True)]


def by_example(samples: Sequence[RegionSample], path: Callable[[str], Path], shots: int) -> RegionsByExample:
    """The first regions of the first different pictures; one picture more stands in where an example is the query.

    InvalidArgumentError where there are too few pictures. Which examples the paper showed is not published.
    """
    first = {sample.image: sample for sample in reversed(samples)}
    chosen = [first[name] for name in islice(dict.fromkeys(sample.image for sample in samples), shots + 1)]
    if not 1 <= shots <= MOST_SHOTS or len(chosen) <= shots:
        raise InvalidArgumentError(
            f"{shots} examples of {len(first)} pictures; valid: 1 to {MOST_SHOTS}, and more pictures than examples"
        )
    made = [Shot(sample.image, path(sample.image), box_of(sample), sample.references[0]) for sample in chosen]
    return RegionsByExample(tuple(made[:shots]), tuple(made[shots:]))


def box_of(sample: RegionSample) -> Box:
    """InvalidBoxError where nothing of it lies in the picture."""
    return Box.from_pixels(sample.box_px, sample.width, sample.height)


@torch.inference_mode()
def _encoded(grounder: Grounder, pixels: torch.Tensor) -> torch.Tensor:
    return grounder.model.encode_image(pixels.to(device=grounder.model.device, dtype=grounder.model.dtype))


def _record(sample: RegionSample, text: str) -> TextRecord:
    return TextRecord(
        sample.id,
        sample.image,
        sample.width,
        sample.height,
        "",
        text,
        sample.references,
        box_px=sample.box_px,
    )
