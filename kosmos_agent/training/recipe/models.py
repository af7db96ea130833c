"""The sections of a training recipe, typed. Defaults are the paper's (section 3.3, tables 7 and 8)."""

from __future__ import annotations

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from kosmos_agent.model.config import ClipVisionConfig, ConvVisionConfig, TextConfig
from kosmos_agent.training.recipe.schedule import linear_decay

Part = Literal["vision", "resampler", "decoder", "embeddings"]
Kind = Literal["grounded", "captions", "text", "interleaved", "conversations", "instructions", "referring", "boxes"]
BoxFormat = Literal["coco", "labelme", "yolo"]

Whole = Annotated[int, Field(ge=1)]
WholeOrZero = Annotated[int, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]


class Section(BaseModel):
    """Unknown keys are errors; nothing changes after reading."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Shape(Section):
    """Sizes of a model with random weights, under the names of the published config.json."""

    text: dict[str, Any] = {}
    vision: dict[str, Any] = {}
    image_slots: Whole = 64

    @model_validator(mode="after")
    def _known_sizes(self) -> Shape:
        conv = self.vision.get("model_type") == ConvVisionConfig.model_type
        kinds = (
            ("text", self.text, TextConfig),
            ("vision", self.vision, ConvVisionConfig if conv else ClipVisionConfig),
        )
        for name, given, kind in kinds:
            valid = [item.name for item in fields(kind)]
            unknown = sorted(given.keys() - set(valid))
            if unknown:
                raise ValueError(f"{name} has no {unknown[0]!r}; valid: {', '.join(valid)}")
        return self


class ModelSection(Section):
    """Where the weights begin: at a model (embedded name, folder, hub id), or at random ones of a shape.

    tokenizer: a model whose tokenizer a random model takes. vision: a CLIP, or a Kosmos-2, whose
    vision tower it takes.
    dropout: of the decoder; None keeps the model's own.
    """

    start: str | None = None
    shape: Literal["published", "tabletop"] | Shape = "published"
    tokenizer: str | None = None
    vision: str | None = None
    dropout: Annotated[float, Field(ge=0, lt=1)] | None = None

    @model_validator(mode="after")
    def _has_a_beginning(self) -> ModelSection:
        if self.start is None and self.tokenizer is None:
            raise ValueError("neither start nor tokenizer; valid: start, or a tokenizer for random weights")
        if self.start is not None and (self.tokenizer is not None or self.vision is not None):
            raise ValueError("start brings its own tokenizer and vision; valid: start alone")
        return self


class ScheduleSection(Section):
    """Warm-up to `learning_rate`, then a straight line that reaches zero when `steps` are done."""

    steps: Whole = 60_000
    warmup_steps: WholeOrZero = 375
    learning_rate: Positive = 2e-4

    def rate(self, step: int) -> float:
        """Of the step with this number, from 0."""
        return self.learning_rate * linear_decay(step, self.steps, self.warmup_steps)


class OptimiserSection(Section):
    """AdamW."""

    betas: tuple[Share, Share] = (0.9, 0.98)
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    epsilon: Positive = 1e-6
    gradient_clip: Positive = 2.0


class BatchSection(Section):
    """How the samples of a step become rows. What does not fit one pass of one device is accumulated.

    pictures: "crop" scales the shorter side and cuts the middle out, as the published training does; "stretch" scales
    both, as inference does.
    """

    row_tokens: Annotated[int, Field(ge=80, le=65_536)] = 2048
    rows_per_pass: Whole = 4
    pack: bool = True
    pictures: Literal["crop", "stretch"] = "crop"


class ComputeSection(Section):
    """sharding "full" is FSDP: weights, gradients and moments are spread over the devices. head_chunk: `scale.loss`."""

    precision: Literal["float32", "bfloat16"] = "bfloat16"
    sharding: Literal["none", "full"] = "none"
    checkpoint_activations: bool = False
    head_chunk: Whole = 2048
    loader_threads: Whole = 4
    threads: Whole | None = None


class SavingSection(Section):
    """Steps between saved states, and between lines of the history."""

    every_steps: Whole = 500
    log_every_steps: Whole = 10


class LoraSection(Section):
    """Low-rank adapters instead of all weights; they are merged when the run ends."""

    rank: Annotated[int, Field(ge=1, le=1024)] = 16
    alpha: Whole = 32
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0
    parts: tuple[Literal["vision", "resampler", "decoder"], ...] = ("vision", "resampler", "decoder")


class DataSection(Section):
    """One source: exactly `per_step` of its samples are in every step.

    path: file or folder, below the data folder of the run. images: folder of the pictures that a file names.
    boxes_share: of grounded pairs, how many show their boxes; the others are plain captions.
    absent: names that are not on a labelled picture, asked about beside those that are; None for two.
    exclude: file of image ids or names, one a line, whose conversations are left out.
    mean_tokens, mean_pictures: of a sample, for the plan alone, where the data is not at hand.
    """

    kind: Kind
    path: str
    per_step: Whole
    name: str | None = None
    images: str | None = None
    format: BoxFormat | None = None
    boxes_share: Share = 1.0
    absent: WholeOrZero | None = None
    exclude: str | None = None
    mean_tokens: Positive | None = None
    mean_pictures: Annotated[float, Field(ge=0)] | None = None

    @property
    def title(self) -> str:
        return self.name or self.kind

    @model_validator(mode="after")
    def _fits_its_kind(self) -> DataSection:
        if (self.kind == "boxes") != (self.format is not None):
            raise ValueError("format goes with kind boxes, and with no other; valid: coco, labelme, yolo")
        if self.boxes_share != 1.0 and self.kind != "grounded":
            raise ValueError("boxes_share goes with kind grounded alone")
        if self.absent is not None and self.kind != "boxes":
            raise ValueError("absent goes with kind boxes alone")
        if self.exclude is not None and self.kind != "conversations":
            raise ValueError("exclude goes with kind conversations alone")
        if self.images is not None and self.kind not in ("interleaved", "conversations"):
            raise ValueError("images goes with kinds interleaved and conversations alone")
        return self


class Recipe(Section):
    """A whole run, apart from where its data lies and where its results go."""

    recipe: Literal["pretrain", "instruct", "finetune"]
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 2
    model: ModelSection
    schedule: ScheduleSection = ScheduleSection()
    optimiser: OptimiserSection = OptimiserSection()
    batch: BatchSection = BatchSection()
    compute: ComputeSection = ComputeSection()
    saving: SavingSection = SavingSection()
    freeze: tuple[Part, ...] = ()
    lora: LoraSection | None = None
    data: Annotated[tuple[DataSection, ...], Field(min_length=1)]

    @field_validator("data")
    @classmethod
    def _titles_differ(cls, data: tuple[DataSection, ...]) -> tuple[DataSection, ...]:
        titles = [item.title for item in data]
        twice = sorted({title for title in titles if titles.count(title) > 1})
        if twice:
            raise ValueError(f"two sources are called {twice[0]!r}; valid: a name of its own for each")
        return data

    @model_validator(mode="after")
    def _something_is_trained(self) -> Recipe:
        if self.schedule.warmup_steps >= self.schedule.steps:
            raise ValueError(f"warmup_steps {self.schedule.warmup_steps}; valid: below steps, {self.schedule.steps}")
        if self.lora is not None and self.freeze:
            raise ValueError("lora keeps all weights as they are; valid with it: no freeze")
        if len(set(self.freeze)) == 4:
            raise ValueError("every part is frozen; valid: leave one out")
        return self
