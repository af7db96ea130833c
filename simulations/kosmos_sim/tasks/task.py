"""A task: a table, a command in words, and what only the judge and the stage hands know of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from kosmos_agent.skills.room import PlaceRelation
from kosmos_sim.setting import Target
from kosmos_sim.world import Tabletop

Kind = Literal["pick", "relation", "place", "absent", "ambiguous", "wrong_grasp", "moved"]
"""pick: one thing by colour and category. relation: one thing by its place beside another. place: pick it up and put it
on, in or beside another. absent: something that is not there. ambiguous: words that fit two things. wrong_grasp: the
first grasp is led astray. moved: the thing is moved behind the agent's back."""
KINDS: tuple[Kind, ...] = get_args(Kind)


@dataclass(frozen=True)
class Task:
    """Names are those of the table's items, metres those of its base frame; the agent is told the command alone.

    phrase, anchor_phrase: as the command has them. wanted: what is meant; None where the right end is that nothing
    moves (absent, or nobody says which). candidates: what the words of an ambiguous command fit. reply: what a person
    says when asked once. grasp_shift_m: how far beside the thing the first grasp goes. moved_to_m: where the thing is
    moved to, after the first `look` or as the arm sets out to `grasp`.
    """

    index: int
    kind: Kind
    seed: int
    laid_for: Target
    command: str
    phrase: str = ""
    wanted: str | None = None
    candidates: tuple[str, ...] = ()
    reply: str | None = None
    relation: PlaceRelation | None = None
    anchor: str | None = None
    anchor_phrase: str | None = None
    grasp_shift_m: tuple[float, float] | None = None
    moved_to_m: tuple[float, float] | None = None
    moved_at: Literal["look", "grasp"] | None = None

    def lay(self) -> Tabletop:
        """The task's table, as it stands before anything is done; close it."""
        return Tabletop.random(self.seed, self.laid_for)
