"""A grounded caption as token ids (specification 5.3): words first, tags and locations put between them.

Tokenising tagged text would put an extra piece before punctuation that follows a tag. The model never writes that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kosmos_agent.grit.containment import without_crossing
from kosmos_agent.grit.errors import SplitTokenError
from kosmos_agent.location import Corners, Pair
from kosmos_agent.markup import escape_tags
from kosmos_agent.results import Entity, GroundedText
from kosmos_agent.tokenizer import Tokenizer
from kosmos_agent.training.sequences import prefix_ids

_BELOW_ONE = 0.99999


@dataclass(frozen=True)
class TrainingRow:
    """Sources and what each is to predict: -1 up to the last image slot (6.3), the next id from `</image>` on."""

    ids: tuple[int, ...]
    targets: tuple[int, ...]


def grounded_ids(text: GroundedText, tokenizer: Tokenizer) -> tuple[int, ...]:
    """`<grounding>`, the caption's ids with tags around each entity's, `</s>`. All of them are targets.

    Entities without a box stay plain words; of two that cross, the later one does. Tags that the caption itself holds
    become words. SplitTokenError where a span begins or ends inside a token.
    """
    caption = escape_tags(text.text)
    ids = tokenizer.encode_words(caption)
    linked = {(entity.start, entity.end): entity for entity in text.entities if entity.boxes}
    built: list[int] = [tokenizer.grounding_id]
    position = 0
    for span in without_crossing(linked):
        first, last = (_boundary(caption, edge, ids, tokenizer) for edge in span)
        if not position <= first < last:
            raise SplitTokenError(f"{caption[slice(*span)]!r} has no token of its own in {caption!r:.120}")
        built += [*ids[position:first], tokenizer.phrase_id, *ids[first:last], tokenizer.phrase_end_id]
        built += object_ids(linked[span], tokenizer)
        position = last
    return (*built, *ids[position:], tokenizer.eos_id)


def caption_ids(text: GroundedText, tokenizer: Tokenizer) -> tuple[int, ...]:
    """The plain caption and `</s>`: how half of the pairs are used, as ordinary captions."""
    return (*tokenizer.encode_words(escape_tags(text.text)), tokenizer.eos_id)


def training_row(text_ids: Sequence[int], tokenizer: Tokenizer, slots: int) -> TrainingRow:
    """`<s> <image> slots </image>` in front of the ids of a text that ends with `</s>`."""
    prefix = prefix_ids(tokenizer, slots)
    whole = (*prefix, *text_ids)
    silent = len(prefix) - 1
    return TrainingRow(whole[:-1], (-1,) * silent + whole[silent + 1 :])


def object_ids(entity: Entity, tokenizer: Tokenizer) -> list[int]:
    """`<object>`, the entity's pairs joined by the delimiter, `</object>`."""
    ids: list[int] = []
    for box in entity.boxes:
        ids.append(tokenizer.delimiter_id if ids else tokenizer.object_id)
        ids += (tokenizer.location_id(index) for index in released_pair(box.corners, tokenizer.grid_side))
    return [*ids, tokenizer.object_end_id]


def released_pair(corners: Corners, side: int) -> Pair:
    """Cells of the corners by the rule of the released training code (3.1).

    It differs from `location.box_to_pair` where x2 or y2 is an exact multiple of a cell: there it is one cell more.
    """
    x1, y1 = (int(max(value, 0.0) * side) for value in corners[:2])
    x2, y2 = (int(min(value, _BELOW_ONE) * side) for value in corners[2:])
    return y1 * side + x1, y2 * side + x2


def _boundary(caption: str, edge: int, ids: Sequence[int], tokenizer: Tokenizer) -> int:
    """How many of the caption's tokens end before character `edge`, by tokenising what precedes it."""
    before = tokenizer.encode_words(caption[:edge])
    for count in (len(before), len(before) - 1):
        if count >= 0 and tuple(before[:count]) == tuple(ids[:count]):
            return count
    raise SplitTokenError(f"character {edge} of {caption!r:.120} lies inside a token")
