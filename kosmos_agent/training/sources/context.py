"""What every source needs of the model and the recipe."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.grit.cropping import Fit, Fitting
from kosmos_agent.markup import escape_tags
from kosmos_agent.model.config import Kosmos2Config
from kosmos_agent.tokenizer import Tokenizer
from kosmos_agent.training.recipe.models import Recipe
from kosmos_agent.training.rows.sample import Picture, SampleWriter
from kosmos_agent.training.sources.index import NO_INDEX, Index

OnReject = Callable[[str, int | None, KosmosAgentError], None]
"""Title of the source, number of the sample or None for what is no sample yet, what is wrong with it."""


Warn = Callable[[str], None]


def untold(_: str, __: int | None, ___: KosmosAgentError) -> None:
    return None


def unheard(_: str) -> None:
    return None


@dataclass(frozen=True)
class Context:
    """slots, size_px: of the model's pictures. row_tokens: longest sample. fit: `grit.cropping`.

    on_reject: is told of what a source passes over while it is opened and read. index: of what opening found. warn: is
    told of what is likely a mistake in the recipe, for whoever starts the run to see.
    """

    tokenizer: Tokenizer
    slots: int
    size_px: int
    row_tokens: int
    fit: Fit
    seed: int
    on_reject: OnReject = untold
    index: Index = NO_INDEX
    warn: Warn = unheard

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        tokenizer: Tokenizer,
        config: Kosmos2Config,
        on_reject: OnReject = untold,
        index: Index = NO_INDEX,
        warn: Warn = unheard,
    ) -> Context:
        batch, slots, size_px = recipe.batch, config.latent_query_num, config.vision.image_size
        fit, seed = batch.pictures, recipe.seed
        return cls(tokenizer, slots, size_px, batch.row_tokens, fit, seed, on_reject, index, warn)

    def writer(self, *, speaks: bool = False) -> SampleWriter:
        return SampleWriter(self.tokenizer, self.slots).begin(speaks=speaks)

    def picture(self, image: Image.Image) -> Picture:
        return np.asarray(self.fitting(image).picture(image))

    def fitting(self, image: Image.Image) -> Fitting:
        return Fitting.of(image.width, image.height, self.size_px, self.fit)

    def words(self, text: str) -> list[int]:
        """Running text that cannot become a tag."""
        return self.tokenizer.encode(escape_tags(text))
