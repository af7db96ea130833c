"""What could be asked of a table, for each kind of task; nothing where the table does not offer it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from kosmos_agent.errors import LayoutError
from kosmos_agent.skills.room import SIDES, PlaceRelation, Side
from kosmos_sim.building import Item
from kosmos_sim.expressions import sample_expressions
from kosmos_sim.grasp import GRASPABLE
from kosmos_sim.lexicon import lookalikes
from kosmos_sim.missing import missing_words
from kosmos_sim.setting import TARGET_AREA_M
from kosmos_sim.tasks.places import eye_m, free_spots, is_within, room_on_side
from kosmos_sim.tasks.scene_objects import scene_objects
from kosmos_sim.tasks.staging import grasp_shift, set_down
from kosmos_sim.tasks.task import Kind, Task
from kosmos_sim.world import VISIBLE_SHARE, Tabletop

Draft = Callable[[Task, Tabletop, np.random.Generator], Task | None]

_REQUESTS = ("pick up {}", "please pick up {}", "grab {}", "pick {} up")
_ROLLS = frozenset({"ball", "apple", "pear", "carrot", "marker", "donut", "banana"})
_FLAT = frozenset({"book", "plate", "box", "block"})
_HOLLOW = frozenset({"bowl", "pot"})
_SHOWN = 0.6
_APART = 0.08
"""Of the picture's width, between the middles of two candidates."""
_SILENT_SHARE = 0.4
_MOVED_M = 0.10


def pick(task: Task, world: Tabletop, rng: np.random.Generator) -> Task:
    return _requested(replace(task, wanted=world.target.name), named(world.target), rng)


def relation(task: Task, world: Tabletop, rng: np.random.Generator) -> Task | None:
    things = scene_objects(world)
    T_base_camera = world.observe("front", 64, 48, depth_noise=False).T_base_camera
    phrases = sample_expressions(list(things.values()), rng, 6, {"relation": 1.0}, T_table_camera=T_base_camera)
    for phrase in phrases:
        item = world.items[phrase.referents[0] - 1]
        if _can_be_taken(world, item):
            return _requested(replace(task, wanted=item.name), phrase.text, rng)
    return None


def place(task: Task, world: Tabletop, rng: np.random.Generator) -> Task | None:
    """By turns beside a thing, and on or in one."""
    options = _onto(world) if task.index // 2 % 2 else _beside(world)
    if not options:
        return None
    where, anchor = options[int(rng.integers(len(options)))]
    phrase, anchor_phrase = named(world.target), named(anchor)
    return replace(
        task,
        command=f"pick up {phrase} and put it {where} {anchor_phrase}",
        phrase=phrase,
        wanted=world.target.name,
        relation=where,
        anchor=anchor.name,
        anchor_phrase=anchor_phrase,
    )


def absent(task: Task, world: Tabletop, rng: np.random.Generator) -> Task | None:
    try:
        category, colour = missing_words(world.items, rng)
    except LayoutError:
        return None
    return _requested(task, f"the {colour} {category}", rng)


def ambiguous(task: Task, world: Tabletop, rng: np.random.Generator) -> Task | None:
    """The category alone, which two things have and no other looks like."""
    category = world.target.category
    alike = [item for item in world.items if item.category in lookalikes(category)]
    if len(alike) != 2 or any(item.category != category for item in alike):
        return None
    shown = scene_objects(world)
    if not all(item.name in shown and shown[item.name].visible >= _SHOWN for item in alike):
        return None
    first, second = (np.mean(shown[item.name].box[::2]) for item in alike)
    if abs(first - second) < _APART:
        return None
    task = _requested(replace(task, candidates=tuple(item.name for item in alike)), f"the {category}", rng)
    if rng.random() < _SILENT_SHARE:
        return task
    return replace(task, wanted=world.target.name, reply="the left one" if first < second else "the right one")


def wrong_grasp(task: Task, world: Tabletop, rng: np.random.Generator) -> Task | None:
    shift_m = grasp_shift(world, world.target.name)
    return None if shift_m is None else replace(pick(task, world, rng), grasp_shift_m=shift_m)


def moved(task: Task, world: Tabletop, rng: np.random.Generator) -> Task | None:
    """To where it shows as well as it did."""
    for spot in free_spots(world, world.target.name, rng, _MOVED_M):
        set_down(world, world.target.name, (float(spot[0]), float(spot[1])))
        if world.shown_share(world.target.name) >= VISIBLE_SHARE:
            to_m = (float(spot[0]), float(spot[1]))
            return replace(pick(task, world, rng), moved_to_m=to_m, moved_at="look" if rng.random() < 0.5 else "grasp")
    return None


DRAFTS: dict[Kind, Draft] = {
    "pick": pick,
    "relation": relation,
    "place": place,
    "absent": absent,
    "ambiguous": ambiguous,
    "wrong_grasp": wrong_grasp,
    "moved": moved,
}


def named(item: Item) -> str:
    return f"the {item.colour} {item.category}"


def _requested(task: Task, phrase: str, rng: np.random.Generator) -> Task:
    """In one of the ways that people ask for things to be picked up."""
    request = _REQUESTS[int(rng.integers(len(_REQUESTS)))]
    return replace(task, command=request.format(phrase), phrase=phrase)


def _can_be_taken(world: Tabletop, item: Item) -> bool:
    middle = world.judge.truth(item.name).middle_m[:2]
    return (
        item.category in GRASPABLE
        and is_within(middle, TARGET_AREA_M)
        and world.shown_share(item.name) >= VISIBLE_SHARE
    )


def _anchors(world: Tabletop) -> list[Item]:
    """Whose colour and category fit nothing else, and that show well."""
    return [
        item
        for item in world.items[1:]
        if not any(
            other is not item and other.colour == item.colour and other.category in lookalikes(item.category)
            for other in world.items
        )
        and world.shown_share(item.name) >= _SHOWN
    ]


def _onto(world: Tabletop) -> list[tuple[PlaceRelation, Item]]:
    held = world.judge.truth(world.target.name)
    options: list[tuple[PlaceRelation, Item]] = []
    for anchor in _anchors(world):
        below = world.judge.truth(anchor.name)
        if not is_within(below.middle_m[:2], TARGET_AREA_M):
            continue
        if anchor.category in _HOLLOW and held.extent_m[0] <= 0.8 * below.extent_m[1]:
            options.append(("in", anchor))
        fits = held.extent_m[0] <= below.extent_m[0] and held.extent_m[1] <= 1.1 * below.extent_m[1]
        if anchor.category in _FLAT and fits and world.target.category not in _ROLLS:
            options.append(("on", anchor))
    return options


def _beside(world: Tabletop) -> list[tuple[PlaceRelation, Item]]:
    eye = eye_m(world)
    options: list[tuple[PlaceRelation, Item]] = []
    for anchor in _anchors(world):
        free: list[Side] = [
            side
            for side in SIDES
            if side != "next to" and room_on_side(world, world.target.name, anchor.name, side, eye)
        ]
        options += [(side, anchor) for side in free]
        if len(free) > 1:
            options.append(("next to", anchor))
    return options
