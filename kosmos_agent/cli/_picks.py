"""Closed-loop picks on random tables, judged by the simulator; beside each, the pick of an oracle."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from kosmos_sim.grasp import GRASPABLE
from kosmos_sim.oracle import trial
from kosmos_sim.world import Tabletop
from rich.console import Console
from rich.progress import track

from kosmos_agent.cli._absent_picks import absent_summary, absent_trial
from kosmos_agent.cli._load import ModelChoice, load_grounder
from kosmos_agent.cli._robot import attempt
from kosmos_agent.errors import LayoutError
from kosmos_agent.grounder import Grounder

FIRST_SEED, FIRST_ABSENT_SEED = 50_000, 60_000
"""Layouts of the published figures: FIRST_SEED, FIRST_SEED + 1, ...; likewise those asked for what they do not hold."""


@dataclass(frozen=True)
class PickTrial:
    """One table. status: `PickReport.status`, or the code of the error that ended it. picked: the simulator's word."""

    seed: int
    phrase: str
    status: str
    picked: bool
    oracle_picked: bool
    moved_wrong_object: bool


def evaluate_picks(choice: ModelChoice, layouts: int, first_seed: int, absent: int = 0) -> dict[str, Any]:
    """Category k modulo their number is asked for on layout k, by colour and category, from the front camera.

    absent: how many more tables are asked for a thing that they do not hold (`_absent_picks`).
    """
    started = time.perf_counter()
    grounder = load_grounder(choice)
    trials = [pick_trial(grounder, seed, category) for seed, category in _tables(first_seed, layouts, "tables")]
    first_absent = FIRST_ABSENT_SEED + first_seed - FIRST_SEED
    refused = [absent_trial(grounder, *table) for table in _tables(first_absent, absent, "absent things")]
    return {
        **summary(trials),
        **(absent_summary(refused) if absent else {}),
        "first_seed": first_seed,
        "model": grounder.name,
        "seconds": time.perf_counter() - started,
    }


def _tables(first_seed: int, count: int, description: str) -> Iterator[tuple[int, str]]:
    """Seed and category of each table, with a progress bar where there are any."""
    if count:
        for index in track(range(count), description=description, console=Console(stderr=True)):
            yield first_seed + index, GRASPABLE[index % len(GRASPABLE)]


def pick_trial(grounder: Grounder, seed: int, category: str) -> PickTrial:
    """One table, seen through noisy depth with holes. A seed that admits no table counts as not picked by either."""
    try:
        return _played(grounder, seed, category)
    except LayoutError as error:
        return PickTrial(seed, f"a {category}", error.code, False, False, False)


def _played(grounder: Grounder, seed: int, category: str) -> PickTrial:
    with Tabletop.random(seed, (category, None)) as world:
        phrase = f"the {world.target.colour} {world.target.category}"
        status = attempt(world, grounder, phrase).status
        verdict = world.judge.verdict(world.target.name)
    oracle = trial(seed, category)
    return PickTrial(seed, phrase, status, verdict.picked, oracle.picked, verdict.moved_wrong_object)


def summary(trials: Sequence[PickTrial]) -> dict[str, Any]:
    """`picked` and `oracle_picked` of `layouts`; `picked_of_oracle`: share of the oracle's picks that were made too."""
    both = sum(trial.picked and trial.oracle_picked for trial in trials)
    possible = sum(trial.oracle_picked for trial in trials)
    return {
        "layouts": len(trials),
        "picked": sum(trial.picked for trial in trials),
        "oracle_picked": possible,
        "picked_of_oracle": both / possible if possible else 0.0,
        "moved_wrong_object": sum(trial.moved_wrong_object for trial in trials),
        "statuses": dict(Counter(trial.status for trial in trials)),
        "not_picked": [f"{trial.seed} {trial.phrase}: {trial.status}" for trial in trials if not trial.picked],
    }
