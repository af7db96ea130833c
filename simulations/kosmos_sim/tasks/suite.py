"""The suite: a fixed mixture of tasks, each drawn from seeds of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from kosmos_agent.errors import InvalidArgumentError, LayoutError
from kosmos_sim.grasp import GRASPABLE
from kosmos_sim.seeds import Purpose, generator
from kosmos_sim.tasks.drafts import DRAFTS
from kosmos_sim.tasks.task import KINDS, Kind, Task
from kosmos_sim.world import Tabletop

FIRST_SEED, SEEDS_EACH, MOST = 70_000, 100, 300
"""Task k lays its table from seeds FIRST_SEED + k SEEDS_EACH and on; below 100 000, where training begins."""
MIXTURE: tuple[Kind, ...] = (
    "pick", "place", "absent", "relation", "moved", "place", "ambiguous", "pick", "wrong_grasp", "absent",
    "relation", "place", "pick", "moved", "absent", "place", "ambiguous", "relation", "pick", "wrong_grasp",
)  # fmt: skip
"""Repeated: of 100 tasks 20 pick, 20 place, 15 relation, 15 absent, 10 each of ambiguous, wrong_grasp and moved."""
_STILL_S, _STILL_M = 2.0, 0.002
"""Simulated seconds, and how far a thing may creep in them."""


def kind_of(index: int) -> Kind:
    return MIXTURE[index % len(MIXTURE)]


def tasks(count: int = 100, first: int = 0, kinds: Sequence[str] = KINDS) -> Iterator[Task]:
    """Tasks first, first + 1, ... of these kinds, `count` in all. InvalidArgumentError: unknown kind, past `MOST`."""
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown or not kinds:
        raise InvalidArgumentError(f"unknown kinds {', '.join(unknown) or 'none'}; valid: {', '.join(KINDS)}")
    chosen = [index for index in range(max(first, 0), MOST) if kind_of(index) in kinds][:count]
    if first < 0 or len(chosen) < count:
        raise InvalidArgumentError(f"{count} tasks from task {first}; valid: tasks 0 to {MOST - 1}")
    return map(task, chosen)


def task(index: int) -> Task:
    """The same index gives the same task."""
    kind = kind_of(index)
    for attempt in range(SEEDS_EACH):
        found = _drafted(index, kind, FIRST_SEED + SEEDS_EACH * index + attempt)
        if found is not None:
            return found
    raise LayoutError(f"none of the seeds of task {index} lays a table for {kind!r}")


def _drafted(index: int, kind: Kind, seed: int) -> Task | None:
    rng = generator(Purpose.TASK, index, seed)
    blank = Task(index, kind, seed, (GRASPABLE[int(rng.integers(len(GRASPABLE)))], None), "")
    try:
        world = Tabletop.random(seed, blank.laid_for)
    except LayoutError:
        return None
    with world:
        return DRAFTS[kind](blank, world, rng) if _stands_still(world) else None


def _stands_still(world: Tabletop) -> bool:
    """Nothing rolls away by itself: what has moved in the end was moved by somebody."""
    before = {truth.name: truth.middle_m for truth in world.truth()}
    world.driver.hold(_STILL_S)
    return all(np.linalg.norm(truth.middle_m - before[truth.name]) <= _STILL_M for truth in world.truth())
