"""Seeded tasks on the simulated table: what an agent is asked for, what gets in its way, and what it truly did."""

from kosmos_sim.tasks.agents import Agent, Claim, Person
from kosmos_sim.tasks.judging import Result
from kosmos_sim.tasks.play import play
from kosmos_sim.tasks.scores import summary
from kosmos_sim.tasks.suite import tasks
from kosmos_sim.tasks.task import KINDS, Kind, Task

__all__ = ["KINDS", "Agent", "Claim", "Kind", "Person", "Result", "Task", "play", "summary", "tasks"]
