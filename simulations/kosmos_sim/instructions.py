"""What an instruction asks for: the thing that a table is laid for, and that the judge looks at."""

from __future__ import annotations

import re

from kosmos_agent.errors import InvalidArgumentError
from kosmos_sim.grasp import GRASPABLE
from kosmos_sim.lexicon import COLOURS
from kosmos_sim.setting import Target
from kosmos_sim.world import Tabletop

_VERB = re.compile(r"^(?:please\s+)?(?:pick\s+up|pick|grab|grasp|take|get|lift|fetch|give\s+me|bring\s+me)\s+", re.I)


def phrase_of(instruction: str) -> str:
    """What is to be picked up: "pick up the red cup" -> "the red cup"."""
    return _VERB.sub("", " ".join(instruction.split())).rstrip(".!")


def wanted_thing(phrase: str) -> Target:
    """Category and colour word of "the red cup": what the table is laid for, and what the judge looks at.

    InvalidArgumentError for any other phrase, for a verdict on it would be a guess.
    """
    words = re.findall(r"[a-z]+", phrase.lower().replace("grey", "gray"))
    words = words[1:] if words[:1] in (["the"], ["a"], ["an"]) else words
    if not words or words[-1] not in GRASPABLE:
        raise InvalidArgumentError(f"{phrase!r} names nothing that the arm can hold; valid: {', '.join(GRASPABLE)}")
    if len(words) > 2 or (len(words) == 2 and words[0] not in COLOURS):
        raise InvalidArgumentError(
            f"the demo lays its table for a colour and a thing, not for {phrase!r}; valid: 'the red cup', with one of "
            f"{', '.join(COLOURS)}"
        )
    return words[-1], words[0] if len(words) == 2 else None


def check_unique(world: Tabletop, wanted: Target) -> None:
    """InvalidArgumentError where the words fit more than one thing on the table: then no verdict would be fair."""
    category, colour = wanted
    fitting = [item for item in world.items if item.category == category and colour in (None, item.colour)]
    if len(fitting) > 1:
        colours = ", ".join(sorted(item.colour for item in fitting))
        raise InvalidArgumentError(f"this table holds {len(fitting)} of {category!r}; name a colour; valid: {colours}")
