"""The other side: `generate()` of the installed transformers, on the same weights.

A checkpoint with the published vision tower is opened by transformers itself. The embedded model's tower is no class of
transformers; there its own Kosmos-2 class holds our tower's module in the place of its own, and our weights in its own
decoder and resampler: all that is compared, the two sides' ways to run them, is as it is for the published model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor, nn
from transformers import Kosmos2Config as TheirConfig
from transformers import Kosmos2ForConditionalGeneration

from kosmos_agent import prompts
from kosmos_agent.benchmarking.rounds import Call
from kosmos_agent.benchmarking.works import CAPTION_TOKENS, PHRASES, Work
from kosmos_agent.errors import CheckpointError
from kosmos_agent.model.checkpoint import load_model, load_tokenizer, read_config
from kosmos_agent.model.config import ClipVisionConfig, Kosmos2Config
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.model.skeleton import hollow
from kosmos_agent.processor import Processor

BOX_TOKENS = 4
"""`<object>`, two corners, `</object>`."""


@dataclass(frozen=True)
class TransformersSide:
    """Pixels come from our processor on both sides: the published preprocessing, and its time counts."""

    model: Any
    processor: Processor

    @classmethod
    def load(cls, folder: Path, dtype: torch.dtype, device: str = "cpu") -> TransformersSide:
        config = read_config(folder)
        processor = Processor.for_config(load_tokenizer(folder), config)
        if isinstance(config.vision, ClipVisionConfig):
            theirs = Kosmos2ForConditionalGeneration.from_pretrained(folder, dtype=dtype).to(device)
        else:
            theirs = with_weights_of(load_model(folder, dtype=dtype, device=device))
        return cls(theirs.eval(), processor)

    def inputs(self, texts: Sequence[str]) -> dict[str, Tensor]:
        """Ids and masks of a row for each text, padded on the left."""
        rows = [self.processor.prompt(text) for text in texts]
        batch = self.processor.batch(rows, padding_side="left")
        device = self.model.device
        return {
            "input_ids": batch.input_ids.to(device),
            "attention_mask": batch.attention_mask.to(device),
            "image_embeds_position_mask": batch.image_mask.to(device),
        }

    def pixels(self, picture: Image.Image) -> Tensor:
        return self.processor.pixels([picture]).to(device=self.model.device, dtype=self.model.dtype)

    @torch.no_grad()
    def embeds(self, picture: Image.Image) -> Tensor:
        """(1, slots, D), as `generate` makes them for itself."""
        states = self.model.vision_model.model.post_layernorm(self.model.vision_model(self.pixels(picture))[0])
        return self.model.image_to_text_projection(nn.functional.normalize(states, dim=-1))[0]

    def write(self, inputs: dict[str, Tensor], new_tokens: int, **options: Any) -> Tensor:
        """(B, new_tokens or fewer) ids, greedy."""
        settings = {"max_new_tokens": new_tokens, "do_sample": False, "num_beams": 1, **options}
        written: Tensor = self.model.generate(**inputs, **settings)
        return written[:, inputs["input_ids"].shape[1] :]

    def write_box(self, picture: Image.Image, phrase: str) -> Tensor:
        """The published way to ask where a phrase is: the picture is read anew."""
        inputs = self.inputs([prompts.phrase_grounding(phrase)])
        return self.write({**inputs, "pixel_values": self.pixels(picture)}, BOX_TOKENS, min_new_tokens=BOX_TOKENS)

    def write_caption(self, picture: Image.Image, new_tokens: int = CAPTION_TOKENS) -> Tensor:
        inputs = self.inputs([prompts.BRIEF_CAPTION])
        return self.write({**inputs, "pixel_values": self.pixels(picture)}, new_tokens)

    def write_boxes(self, image_embeds: Tensor, phrases: Sequence[str]) -> Tensor:
        """One batch over a picture that was encoded before."""
        inputs = self.inputs([prompts.phrase_grounding(phrase) for phrase in phrases])
        embeds = image_embeds.repeat(len(phrases), 1, 1)
        return self.write({**inputs, "image_embeds": embeds}, BOX_TOKENS, min_new_tokens=BOX_TOKENS)


@dataclass(frozen=True)
class PlainUse:
    """What the model card shows: one `generate` with the picture for each question. A ready frame gains nothing."""

    side: TransformersSide
    name: str

    def settle(self) -> None:
        pass

    def calls(self, picture: Image.Image) -> dict[Work, Call]:
        return {
            "new_1": lambda: self.side.write_box(picture, PHRASES[0]),
            "ready_1": lambda: self.side.write_box(picture, PHRASES[0]),
            "new_8": lambda: [self.side.write_box(picture, phrase) for phrase in PHRASES],
            "caption": lambda: self.side.write_caption(picture)[0].tolist(),
        }


@dataclass(frozen=True)
class CarefulUse:
    """What a careful user writes: the picture encoded once, its `image_embeds` kept, eight phrases in one batch."""

    side: TransformersSide
    name: str

    def settle(self) -> None:
        pass

    def calls(self, picture: Image.Image) -> dict[Work, Call]:
        ready = self.side.embeds(picture)
        return {
            "ready_1": lambda: self.side.write_boxes(ready, PHRASES[:1]),
            "new_8": lambda: self.side.write_boxes(self.side.embeds(picture), PHRASES),
        }


def with_weights_of(ours: Kosmos2) -> Any:
    """Their model over the very tensors of ours; a tower that they have no class for goes along as it is."""
    theirs_has_tower = isinstance(ours.config.vision, ClipVisionConfig)
    with hollow():
        theirs = Kosmos2ForConditionalGeneration(_their_config(ours.config))
    state = ours.state_dict()
    if not theirs_has_tower:
        theirs.vision_model = _ForeignTower(ours.vision_model)
        state = {name: value for name, value in state.items() if not name.startswith("vision_model.")}
    theirs.load_state_dict(state, strict=False, assign=True)
    theirs.tie_weights()
    empty = [name for name, value in theirs.named_parameters() if value.is_meta]
    if empty:
        raise CheckpointError(f"transformers wants tensors that the model lacks: {', '.join(empty[:5])}")
    return theirs.to(device=ours.device, dtype=ours.dtype).eval()


class _ForeignTower(nn.Module):
    """Where transformers looks for a tower's states and for the norm behind them, which ours has done."""

    def __init__(self, tower: nn.Module) -> None:
        super().__init__()
        self.tower = tower
        self.model = nn.ModuleDict({"post_layernorm": nn.Identity()})

    def forward(self, pixel_values: Tensor, **_: Any) -> tuple[Tensor]:
        return (self.tower(pixel_values),)


def _their_config(config: Kosmos2Config) -> TheirConfig:
    data = config.to_dict()
    if not isinstance(config.vision, ClipVisionConfig):
        small = {"num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": 1}
        data["vision_config"] = {"hidden_size": config.vision.hidden_size, **small}
    return TheirConfig(**{name: data[name] for name in ("text_config", "vision_config", "latent_query_num")})
