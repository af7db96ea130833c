"""What a plan needs to know of the model and of the data, as far as they are at hand."""

from __future__ import annotations

from pathlib import Path

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.model.checkpoint import load_tokenizer, read_config
from kosmos_agent.model.config import Kosmos2Config
from kosmos_agent.model.folder import locate
from kosmos_agent.training.recipe.models import Recipe
from kosmos_agent.training.scale.start import outline, shaped
from kosmos_agent.training.sources.context import Context
from kosmos_agent.training.sources.opening import open_source

_LOOKED_AT = 64
"""Samples of a source whose size is averaged."""


def planned_config(recipe: Recipe) -> Kosmos2Config:
    """Of the model where it is at hand, else the shape that the recipe states, with the published vocabulary."""
    section = recipe.model
    try:
        if section.start is not None:
            return read_config(locate(section.start))
        return shaped(section, load_tokenizer(locate(section.tokenizer or "")).size)
    except KosmosAgentError:
        return shaped(section, Kosmos2Config().text.vocab_size)


def measured_samples(recipe: Recipe, root: Path | None) -> dict[str, tuple[float, float]]:
    """Mean tokens and pictures of the sources that do not state them and whose data is at hand, below `root`.

    Of none where the model's tokenizer is not at hand.
    """
    unknown = [item for item in recipe.data if root and item.mean_tokens is None and (root / item.path).exists()]
    if root is None or not unknown:
        return {}
    try:
        context = Context.of(recipe, *outline(recipe.model))
    except KosmosAgentError:
        return {}
    found = {}
    for item in unknown:
        source = open_source(item, root, context)
        samples = [source.sample(number) for number in range(min(_LOOKED_AT, len(source)))]
        tokens = sum(len(sample) for sample in samples) / len(samples)
        found[item.title] = (tokens, sum(len(sample.pictures) for sample in samples) / len(samples))
    return found
