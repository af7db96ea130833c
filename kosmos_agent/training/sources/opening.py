"""Sources by the sections of a recipe."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from kosmos_agent.errors import InvalidConfigError, InvalidLabelsError
from kosmos_agent.training.labels.reading import read_boxes, to_train_on
from kosmos_agent.training.recipe.models import DataSection, Recipe
from kosmos_agent.training.sources.boxes import BoxedPictures
from kosmos_agent.training.sources.captions import Captions
from kosmos_agent.training.sources.context import Context
from kosmos_agent.training.sources.grounded import Grounded, Referring
from kosmos_agent.training.sources.instructions import Conversations, Instructions
from kosmos_agent.training.sources.interleaved import Interleaved
from kosmos_agent.training.sources.source import Source
from kosmos_agent.training.sources.text import TextBlocks


def open_source(section: DataSection, root: Path, context: Context) -> Source:
    """InvalidConfigError for a path that is not there."""
    path = root / section.path
    if not path.exists():
        raise InvalidConfigError(f"source {section.title}: there is no {path}; see --data and the path in the recipe")
    images = root / section.images if section.images is not None else path.parent
    match section.kind:
        case "grounded":
            return Grounded(path, context, section.title, section.boxes_share)
        case "referring":
            return Referring(path, context, section.title)
        case "captions":
            return Captions(path, context, section.title)
        case "text":
            return TextBlocks(path, context, section.title)
        case "interleaved":
            return Interleaved(path, images, context)
        case "conversations":
            exclude = None if section.exclude is None else root / section.exclude
            return Conversations(path, images, context, section.title, exclude=exclude)
        case "instructions":
            return Instructions(path, context)
        case "boxes":
            pictures = read_boxes(path, section.format or "coco", partial(_tell, section.title, context))
            return BoxedPictures(to_train_on(pictures), context, section.title, absent=section.absent)


def _tell(title: str, context: Context, note: str) -> None:
    context.on_reject(title, None, InvalidLabelsError(note))


def opener(recipe: Recipe, root: Path) -> Callable[[Context], dict[str, Source]]:
    """Opens all sources of the recipe, whose paths are below `root`, once the model is known."""
    return lambda context: {item.title: open_source(item, root, context) for item in recipe.data}
