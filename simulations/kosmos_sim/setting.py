"""Lays a table that can be tidied: one thing worth asking for, and others that resemble it in one way only.

Positions are in the base frame of the arm: x forward, y left, table top at 0.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError, LayoutError
from kosmos_sim.colours import COLOURS, Rgb, sample_rgb
from kosmos_sim.footprints import Circles, clearance, placed, resting_pose
from kosmos_sim.grasp import GRASPABLE, HABITS
from kosmos_sim.lexicon import lookalikes
from kosmos_sim.objects import CATEGORIES, TableObject

TARGET_AREA_M = ((0.38, 0.62), (-0.24, 0.24))
"""x and y ranges where the arm can take things, palm down."""
TABLE_AREA_M = ((0.31, 0.72), (-0.33, 0.33))
GRIP_WIDTH_M = 0.070
"""Graspable things are made no wider than this where the fingers close; 80 mm is the opening."""
GAP_M = 0.032
"""Room for a finger between any two things."""
MAX_GAP_M = 0.1
MIN_DISTRACTORS, MAX_DISTRACTORS = 4, 8
_ATTEMPTS = 60
_COLOUR_DRAWS = 40

Target = tuple[str, str | None]
"""Category and colour word; None for any colour."""


@dataclass(frozen=True)
class Choice:
    """An object with its colour. rgb: None where it keeps its natural colour."""

    obj: TableObject
    colour: str
    rgb: Rgb | None

    @property
    def words(self) -> tuple[str, str]:
        return (self.obj.category, self.colour)


@dataclass(frozen=True)
class Placing:
    """A choice, its origin on the table in metres (2,), and its turn about z."""

    choice: Choice
    position_m: NDArray[np.float64]
    yaw_rad: float

    @property
    def footprint(self) -> Circles:
        circles = resting_pose(self.choice.obj.vertices, 0.0).circles
        return placed(circles, self.position_m[0], self.position_m[1], self.yaw_rad)


def lay(
    rng: np.random.Generator, target: Target | None = None, distractors: int | None = None, gap_m: float = GAP_M
) -> list[Placing]:
    """The target first, then at least `MIN_DISTRACTORS` others where they fit.

    Exactly one thing answers to the target's words; where there is room, one of the others shares only its
    category and one only its colour. gap_m: least free space between two things.
    InvalidArgumentError for words that no object has; LayoutError where there is not room enough.
    """
    wanted = int(rng.integers(MIN_DISTRACTORS, MAX_DISTRACTORS + 1)) if distractors is None else distractors
    if not 0 <= wanted <= MAX_DISTRACTORS:
        raise InvalidArgumentError(f"{wanted} distractors; valid: 0 to {MAX_DISTRACTORS}")
    if not 0 <= gap_m <= MAX_GAP_M:
        raise InvalidArgumentError(f"a gap of {gap_m} m; valid: 0 to {MAX_GAP_M}")
    for _ in range(_ATTEMPTS):
        first = draw(rng, *(target or (str(rng.choice(GRASPABLE)), None)))
        placings = _place([first, *_others(rng, first, wanted)], gap_m, rng)
        if len(placings) > min(wanted, MIN_DISTRACTORS):
            return placings
    raise LayoutError(
        f"no room for {target or 'a thing'} and {wanted} others, {gap_m} m apart; take another seed, fewer, or nearer"
    )


def draw(rng: np.random.Generator, category: str, colour: str | None = None) -> Choice:
    """An object of that category and colour word, narrow enough for the gripper where it is graspable."""
    if category not in CATEGORIES:
        raise InvalidArgumentError(f"unknown category {category!r}; valid: {', '.join(CATEGORIES)}")
    if colour is not None and colour not in COLOURS:
        raise InvalidArgumentError(f"unknown colour {colour!r}; valid: {', '.join(COLOURS)}")
    natural = set()
    for _ in range(_COLOUR_DRAWS):
        obj = CATEGORIES[category](rng)
        if obj.colour_word is None:
            word = colour or str(rng.choice(list(COLOURS)))
            return Choice(_sized(obj, rng), word, sample_rgb(word, rng))
        if colour in (None, obj.colour_word):
            return Choice(_sized(obj, rng), obj.colour_word, None)
        natural.add(obj.colour_word)
    raise InvalidArgumentError(f"no {colour} {category}; valid colours: {', '.join(sorted(natural))}")


def _sized(obj: TableObject, rng: np.random.Generator) -> TableObject:
    factor = float(rng.uniform(0.88, 1.15))
    habit = HABITS.get(obj.category)
    if obj.category in GRASPABLE and not (habit is not None and habit.rim):
        width_m = float(obj.extents[:2].min()) * (habit.width if habit else 1.0)
        factor = min(factor, GRIP_WIDTH_M / width_m)
    return obj.scaled(factor)


def _others(rng: np.random.Generator, first: Choice, count: int) -> list[Choice]:
    category, colour = first.words
    same_category = _same_category(rng, category, colour)
    different = [word for word in CATEGORIES if word not in lookalikes(category)]
    found = [] if same_category is None else [same_category]
    found.append(_in_colour(rng, different, colour))
    while len(found) < count:
        other = draw(rng, str(rng.choice(list(CATEGORIES))))
        confusing = other.obj.category in lookalikes(category) and other.colour == colour
        if not confusing:
            found.append(other)
    return found[:count]


def _same_category(rng: np.random.Generator, category: str, colour: str) -> Choice | None:
    for _ in range(_COLOUR_DRAWS):
        other = draw(rng, category)
        if other.colour != colour:
            return other
    return None


def _in_colour(rng: np.random.Generator, categories: Sequence[str], colour: str) -> Choice:
    """Of any category that comes in every colour."""
    while True:
        category = str(rng.choice(list(categories)))
        if CATEGORIES[category](rng).colour_word is None:
            return draw(rng, category, colour)


def _place(choices: Sequence[Choice], gap_m: float, rng: np.random.Generator) -> list[Placing]:
    """In turn, the first within reach of the arm; what finds no room is left out. Empty if the first finds none."""
    placings: list[Placing] = []
    for index, choice in enumerate(choices):
        area = TARGET_AREA_M if index == 0 else TABLE_AREA_M
        found = _find_room(choice, area, placings, gap_m, rng)
        if found is not None:
            placings.append(found)
        elif index == 0:
            return []
    return placings


def _find_room(
    choice: Choice,
    area_m: tuple[tuple[float, float], tuple[float, float]],
    placings: Sequence[Placing],
    gap_m: float,
    rng: np.random.Generator,
) -> Placing | None:
    (x_low, x_high), (y_low, y_high) = area_m
    for _ in range(_ATTEMPTS):
        position = np.array([rng.uniform(x_low, x_high), rng.uniform(y_low, y_high)])
        candidate = Placing(choice, position, float(rng.uniform(-np.pi, np.pi)))
        footprint = candidate.footprint
        inside = bool((footprint[:, 0] - footprint[:, 2] > 0.2).all())
        if inside and all(clearance(footprint, other.footprint) > gap_m for other in placings):
            return candidate
    return None
