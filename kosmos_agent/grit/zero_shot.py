"""Zero-shot detectors of transformers from a local folder: Grounding DINO (and its successors), OWL-ViT, OWLv2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from PIL import Image
from torch import Tensor
from transformers import AutoModelForZeroShotObjectDetection, AutoProcessor

from kosmos_agent.errors import CheckpointError
from kosmos_agent.grit.detection import Detection
from kosmos_agent.grit.zero_shot_folder import DINO_TYPES, OWL_TYPES, zero_shot_type
from kosmos_agent.inference.devices import check_device
from kosmos_agent.results import Box

MIN_SCORE = 0.05
"""Below it a box is not worth handing on: recipes draw their line far above."""


class _Family(Protocol):
    """How one family is asked. Gives scores (boxes, phrases) and corners (boxes, 4) as fractions of the picture."""

    def __call__(
        self, model: Any, processor: Any, image: Image.Image, phrases: Sequence[str]
    ) -> tuple[Tensor, Tensor]: ...


class ZeroShotDetector:
    """Each box goes to the phrase that it fits best; `suppression` does the rest. One picture at a time."""

    def __init__(self, model: Any, processor: Any, family: _Family) -> None:
        self._model, self._processor, self._family = model, processor, family

    @classmethod
    def load(cls, folder: str | Path, *, device: str = "cpu", threads: int | None = None) -> ZeroShotDetector:
        """Safetensors alone, from disk alone. CheckpointError for a folder that transformers cannot open."""
        check_device(device)
        if threads is not None:
            torch.set_num_threads(threads)
        family = _family(folder)
        try:
            model = AutoModelForZeroShotObjectDetection.from_pretrained(
                folder, local_files_only=True, use_safetensors=True
            )
            processor = AutoProcessor.from_pretrained(folder, local_files_only=True)
        except (OSError, ValueError) as error:
            raise CheckpointError(f"{folder} holds no zero-shot detector that can be opened: {error}") from error
        return cls(model.to(device).eval(), processor, family)

    @torch.inference_mode()
    def detect(self, image: Image.Image, phrases: Sequence[str]) -> list[Detection]:
        scores, corners = self._family(self._model, self._processor, image, phrases)
        best, phrase = scores.max(dim=-1)
        kept = best >= MIN_SCORE
        rows = zip(phrase[kept].tolist(), corners[kept].clamp(0, 1).tolist(), best[kept].tolist(), strict=True)
        return [
            Detection(index, Box(x1=x1, y1=y1, x2=x2, y2=y2), score)
            for index, (x1, y1, x2, y2), score in rows
            if x1 < x2 and y1 < y2
        ]


def _owl(model: Any, processor: Any, image: Image.Image, phrases: Sequence[str]) -> tuple[Tensor, Tensor]:
    """OWLv2 pads to a square, below and to the right; OWL-ViT stretches."""
    inputs = processor(
        text=[list(phrases)],
        images=image,
        return_tensors="pt",
        padding="max_length",
        truncation=True,
        max_length=model.config.text_config.max_position_embeddings,
    ).to(model.device)
    outputs = model(**inputs)
    corners = _corners(outputs.pred_boxes[0])
    if model.config.model_type == "owlv2":
        side = max(image.size)
        corners = corners * torch.tensor([side / image.width, side / image.height] * 2, device=corners.device)
    return outputs.logits[0].sigmoid(), corners


def _dino(model: Any, processor: Any, image: Image.Image, phrases: Sequence[str]) -> tuple[Tensor, Tensor]:
    """All phrases of a call in one text, parted by full stops; a phrase scores as its best token does."""
    scores, corners = [], []
    for group in groups(processor.tokenizer, phrases, model.config.max_text_len):
        text, spans = dino_text([phrases[index] for index in group])
        places = processor.tokenizer(text, return_offsets_mapping=True)["offset_mapping"][: model.config.max_text_len]
        inputs = processor(images=image, text=text, return_tensors="pt").to(model.device)
        outputs = model(**inputs)
        tokens = outputs.logits[0].sigmoid()
        found = torch.zeros(len(tokens), len(phrases), device=tokens.device)
        for index, span in zip(group, spans, strict=True):
            inside = [token for token, (start, end) in enumerate(places) if span[0] <= start < end <= span[1]]
            if inside:
                found[:, index] = tokens[:, inside].max(dim=-1).values
        scores.append(found)
        corners.append(_corners(outputs.pred_boxes[0]))
    return torch.cat(scores), torch.cat(corners)


def _family(folder: str | Path) -> _Family:
    found = zero_shot_type(folder)
    if found is None:
        raise CheckpointError(f"{folder} is no zero-shot detector; valid types: {', '.join(DINO_TYPES + OWL_TYPES)}")
    return _dino if found in DINO_TYPES else _owl


def dino_text(phrases: Sequence[str]) -> tuple[str, list[tuple[int, int]]]:
    """`a dog. a field.` and the characters of each phrase in it."""
    text, spans = "", []
    for phrase in phrases:
        words = phrase.lower().replace(".", " ").strip()
        start = len(text) + bool(text)
        text = f"{text} {words}.".lstrip()
        spans.append((start, start + len(words)))
    return text, spans


def groups(tokenizer: Any, phrases: Sequence[str], limit: int) -> Iterator[list[int]]:
    """Runs of phrases whose text stays within the model's tokens, the two at the ends and a full stop each included."""
    group: list[int] = []
    used = 2
    for index, phrase in enumerate(phrases):
        length = len(tokenizer(phrase, add_special_tokens=False)["input_ids"]) + 1
        if group and used + length > limit:
            yield group
            group, used = [], 2
        group.append(index)
        used += length
    yield group


def _corners(centred: Tensor) -> Tensor:
    """(N, 4) centre x, centre y, width, height to x1, y1, x2, y2."""
    centre, half = centred[:, :2], centred[:, 2:] / 2
    return torch.cat([centre - half, centre + half], dim=-1)
