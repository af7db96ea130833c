"""Tagged text <-> `[span](boxes)` <-> `GroundedText`, and what makes user text safe to put beside tags (pure).

Tagged text is what the model reads and writes:
`a<phrase> red cup</phrase><object><patch_index_0044><patch_index_0863></object> here`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from kosmos_agent import tokens
from kosmos_agent.errors import InvalidBoxError, InvalidPhraseError
from kosmos_agent.location import GRID_SIDE, Corners, Pair, box_to_pair, is_valid_pair, pair_to_box, pair_to_corners
from kosmos_agent.results import Box, Entity, GroundedText

MAX_USER_CHARACTERS = 256

RawEntity = tuple[str, tuple[int, int], list[Corners]]
"""Name, [start, end) in the clean text, corners as decoded (an inverted pair stays inverted)."""

_PAIR = r"<patch_index_\d{1,9}><patch_index_\d{1,9}>"
_GROUNDED = re.compile(rf"(?:<phrase>([^<]+)</phrase>)?<object>((?:{_PAIR}{tokens.DELIMITER})*{_PAIR})</object>", re.A)
_INDEX = re.compile(r"<patch_index_(\d{1,9})>", re.A)
_TAG = re.compile(r"<.*?>")
_LINK = re.compile(r"\\([\\\[\]])|\[((?:\\[\\\[\]]|[^\[\]\\])*)\]\(([^()]*)\)")
_ESCAPED = re.compile(r"\\([\\\[\]])")
_BRACKETS = {"<": "(", ">": ")"}


@dataclass(frozen=True)
class _Mention:
    """A phrase with its pairs, or one pair without a phrase (`name` None); [start, end) in the clean text."""

    name: str | None
    start: int
    end: int
    pairs: tuple[Pair, ...]


def post_process(text: str, side: int = GRID_SIDE) -> tuple[str, list[RawEntity]]:
    """Clean text and entities of a generation, equal to the published processor's, malformed tags included.

    Only what follows the last </image> counts. A nameless object is called `<patch_index_A><patch_index_B>`; one at
    the very start may have the span (-1, -1). `from_tagged` gives checked boxes instead.
    """
    raw, clean, lead = _clean(text)
    entities: list[RawEntity] = []
    for mention in _mentions(raw, lead):
        first, second = mention.pairs[0]
        name = f"<patch_index_{first}><patch_index_{second}>" if mention.name is None else mention.name
        boxes = [pair_to_corners(pair, side) for pair in mention.pairs]
        entities.append((name, (mention.start, mention.end), boxes))
    return clean, entities


def from_tagged(text: str, side: int = GRID_SIDE) -> GroundedText:
    """The checked answer in tagged text.

    Inverted or off-grid pairs are dropped, and entities left without a box with them. A nameless object becomes an
    entity with an empty text at the place where it stands.
    """
    raw, clean, lead = _clean(text)
    entities: list[Entity] = []
    for mention in _mentions(raw, lead):
        boxes = tuple(pair_to_box(pair, side) for pair in mention.pairs if is_valid_pair(pair, side))
        if boxes:
            start, end = _span(clean, mention, after=entities[-1].end if entities else 0)
            entities.append(Entity(text=clean[start:end], start=start, end=end, boxes=boxes))
    return GroundedText(text=clean, entities=tuple(entities))


def to_tagged(grounded: GroundedText, side: int = GRID_SIDE) -> str:
    """Tagged text, the space before a phrase inside its tag as the model writes it.

    Entities that overlap an earlier one, or have no words, lose their tags. The words are escaped (`escape_tags`).
    """
    parts: list[str] = []
    position = 0
    for entity in sorted(grounded.entities, key=lambda item: item.start):
        if entity.start < position or not entity.text.strip():
            continue
        before = escape_tags(grounded.text[position : entity.start])
        gap = " " if not before or before[-1].isspace() else ""
        words = escape_tags(grounded.text[entity.start : entity.end])
        parts += [before.rstrip(), f"<phrase>{gap}{words}</phrase>", object_tags(entity.boxes, side)]
        position = entity.end
    return "".join(parts) + escape_tags(grounded.text[position:])


def object_tags(boxes: Iterable[Box], side: int = GRID_SIDE) -> str:
    """`pair_tags` of the boxes' corner cells."""
    return pair_tags([box_to_pair(box.corners, side) for box in boxes])


def pair_tags(pairs: Sequence[Pair]) -> str:
    """`<object>` pairs joined by the delimiter `</object>`; an empty string for no pair."""
    inside = tokens.DELIMITER.join(tokens.location_token(first) + tokens.location_token(last) for first, last in pairs)
    return f"{tokens.OBJECT}{inside}{tokens.OBJECT_END}" if pairs else ""


def from_markdown(text: str) -> GroundedText:
    """The inverse of `GroundedText.markdown`: `[span](x1,y1,x2,y2;...)`, corners in [0, 1].

    Literal brackets and backslashes are written with a backslash before them; brackets that are no link stay words.
    InvalidBoxError for a link that holds anything but boxes.
    """
    parts: list[str] = []
    entities: list[Entity] = []
    position = length = 0
    for match in _LINK.finditer(text):
        parts.append(text[position : match.start()])
        length += len(parts[-1])
        span = match[1] if match[1] is not None else _ESCAPED.sub(r"\1", match[2])
        if match[1] is None:
            boxes = _link_boxes(match[3])
            entities.append(Entity(text=span, start=length, end=length + len(span), boxes=boxes))
        parts.append(span)
        length += len(span)
        position = match.end()
    return GroundedText(text="".join(parts) + text[position:], entities=tuple(entities))


def escape_tags(text: str) -> str:
    """`text` with every "<" and ">" as "(" and ")", one character for one, so that spans stay where they were.

    Characters that a normaliser turns into those two (full-width, small, or struck-through forms) are replaced as
    well: the tokenizer normalises before it looks pieces up, and would read a full-width "<s>" as the real one.
    """
    if text.isascii():
        return text.replace("<", "(").replace(">", ")")
    return "".join(_BRACKETS.get(unicodedata.normalize("NFKD", character)[0], character) for character in text)


def escape_user_text(text: str, limit: int = MAX_USER_CHARACTERS) -> str:
    """What a user wrote, unable to become a tag or special token, white space collapsed, invisible marks removed.

    InvalidPhraseError: not text, empty, without a letter or digit, over `limit` characters, or with control characters.
    """
    if not isinstance(text, str):
        raise InvalidPhraseError(f"expected text, not {type(text).__name__}")
    if len(text) > limit:
        raise InvalidPhraseError(f"{len(text)} characters are too many; valid: 1 to {limit}")
    words = " ".join(text.split())
    bad = next((character for character in words if unicodedata.category(character) in ("Cc", "Cs")), None)
    if bad is not None:
        raise InvalidPhraseError(f"control character U+{ord(bad):04X} is not allowed; valid: printable text")
    words = "".join(character for character in words if unicodedata.category(character) != "Cf")
    if not any(character.isalnum() for character in words):
        raise InvalidPhraseError(f"{text!r} names nothing; valid: text with a letter or a digit")
    return escape_tags(words)


def _clean(text: str) -> tuple[str, str, int]:
    """What follows the last </image>, the same without tags and outer spaces, and how many leading spaces went."""
    raw = text.rsplit(tokens.IMAGE_END, 1)[-1]
    without_tags = _TAG.sub("", raw)
    return raw, without_tags.strip(), len(without_tags) - len(without_tags.lstrip())


def _mentions(raw: str, lead: int) -> Iterator[_Mention]:
    for match in _GROUNDED.finditer(raw):
        indices = [int(index) for index in _INDEX.findall(match[2])]
        pairs = tuple(zip(indices[::2], indices[1::2], strict=True))
        if match[1] is None:
            start = len(_TAG.sub("", raw[: match.start()])) - lead
            yield from (_Mention(None, start, start, (pair,)) for pair in pairs)
            continue
        phrase = match[1]
        start = len(_TAG.sub("", raw[: match.start(1)])) - lead + len(phrase) - len(phrase.lstrip())
        end = len(_TAG.sub("", raw[: match.end(1)])) - lead - len(phrase) + len(phrase.rstrip())
        yield _Mention(phrase.strip(), start, end, pairs)


def _span(clean: str, mention: _Mention, after: int) -> tuple[int, int]:
    """The mention's span, or where its words next stand when a stray "<" before it has shifted the count."""
    if mention.name is None:
        start = min(max(mention.start, 0), len(clean))
        return start, start
    if clean[max(mention.start, 0) : max(mention.end, 0)] == mention.name:
        return mention.start, mention.end
    start = clean.find(mention.name, after)
    return (start, start + len(mention.name)) if start >= 0 else (len(clean), len(clean))


def _link_boxes(link: str) -> tuple[Box, ...]:
    return tuple(_link_box(part) for part in link.split(";") if part.strip())


def _link_box(part: str) -> Box:
    try:
        x1, y1, x2, y2 = (float(value) for value in part.split(","))
    except ValueError as error:
        raise InvalidBoxError(f"link ({part}) needs x1,y1,x2,y2 in [0, 1], boxes parted by ;") from error
    return Box(x1=x1, y1=y1, x2=x2, y2=y2)
