"""What a robot does when the named thing is not on the table: it must not move."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from kosmos_sim.missing import missing_words
from kosmos_sim.world import Tabletop

from kosmos_agent.cli._robot import Eye, attempt
from kosmos_agent.errors import LayoutError


@dataclass(frozen=True)
class AbsentTrial:
    """One table. status: as in `PickTrial`. started: the arm was sent out. lifted: then something hung in the air."""

    seed: int
    phrase: str
    status: str
    started: bool
    lifted: bool


def absent_trial(eye: Eye, seed: int, category: str) -> AbsentTrial:
    """A table laid for `category`, asked for a colour and a category that nothing on it has or could pass for."""
    try:
        return _asked_in_vain(eye, seed, category)
    except LayoutError as error:
        return AbsentTrial(seed, f"nothing like a {category}", error.code, started=False, lifted=False)


def _asked_in_vain(eye: Eye, seed: int, category: str) -> AbsentTrial:
    with Tabletop.random(seed, (category, None)) as world:
        wanted, colour = missing_words(world.items, np.random.default_rng([seed, 1]))
        phrase = f"the {colour} {wanted}"
        course = attempt(world, eye, phrase)
        lifted = bool(world.judge.verdict(world.target.name).lifted)
    return AbsentTrial(seed, phrase, course.status, course.started, lifted)


def absent_summary(trials: Sequence[AbsentTrial]) -> dict[str, Any]:
    """`picked_wrong_object_when_absent`: tables on which something was lifted or believed to be; it must be zero."""
    wrong = [trial for trial in trials if trial.lifted or trial.status == "picked"]
    return {
        "absent_layouts": len(trials),
        "picked_wrong_object_when_absent": len(wrong),
        "started_when_absent": sum(trial.started for trial in trials),
        "absent_statuses": dict(Counter(trial.status for trial in trials)),
        "picked_when_absent": [f"{trial.seed} {trial.phrase}: {trial.status}" for trial in wrong],
    }
