"""The embedded model's recipe in the same kind of file: the settings of `train tabletop`, by name."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from kosmos_agent.training.recipe.models import Section, Share, Whole, WholeOrZero

Side = Annotated[int, Field(ge=64, le=448)]


class TabletopRecipe(Section):
    """See `training.settings.TrainSettings` and the command's help for what each one does."""

    recipe: Literal["tabletop"]
    seed: WholeOrZero = 0
    pictures: Whole = 16_000
    held_out: Whole = 128
    steps: Whole = 12_000
    warmup_steps: WholeOrZero = 200
    decay_steps: WholeOrZero = 2_000
    dense_only_steps: WholeOrZero = 2_000
    batch_size: Annotated[int, Field(ge=1, le=4096)] = 32
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.05
    betas: tuple[Share, Share] = (0.9, 0.98)
    gradient_clip: Annotated[float, Field(gt=0)] = 1.0
    average: Annotated[float, Field(ge=0, lt=1)] = 0.999
    phrases: Annotated[int, Field(ge=1, le=32)] = 12
    size: Side = 224
    smallest: Side | None = None
    captions: Annotated[float, Field(ge=0, le=100)] = 2.0
    row_tokens: Annotated[int, Field(ge=96, le=512)] = 176
