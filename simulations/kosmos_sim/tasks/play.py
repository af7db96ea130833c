"""Plays one task: lays the table, sets the stage, lets the agent loose on it, and has the end judged."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.robot.planner import Planner
from kosmos_agent.skills import CameraSource, Skills
from kosmos_sim.camera_source import SimCamera
from kosmos_sim.tasks.agents import Agent, Claim, Person
from kosmos_sim.tasks.judging import Result, judged
from kosmos_sim.tasks.staging import AfterLook, Astray, BeforeGrasp, Once, Watched, set_down
from kosmos_sim.tasks.task import Task
from kosmos_sim.world import Tabletop


@dataclass(frozen=True, eq=False)
class Stage:
    """What skills are made of, but for a model and limits. The agent sees the skills alone."""

    task: Task
    world: Tabletop
    camera: CameraSource
    planner: Planner


MakeSkills = Callable[[Stage], Skills]
_REST_S = 0.6
"""Simulated, for what was let go of."""


def play(task: Task, agent: Agent, make_skills: MakeSkills) -> Result:
    """A coded error that the agent lets through ends the task as failed; any other is a fault and passes on."""
    with task.lay() as world:
        camera, planner = staged(task, world)
        watched, person = Watched(planner, world), Person(task.reply)
        try:
            claim = agent(task.command, make_skills(Stage(task, world, camera, watched)), person)
        except KosmosAgentError as error:
            claim = Claim("failed", words=f"{error.code}: {error}")
        world.driver.hold(_REST_S)
        return judged(task, world, claim, watched, person)


def staged(task: Task, world: Tabletop) -> tuple[CameraSource, Planner]:
    """The eyes and the arm, with what gets in their way."""
    camera: CameraSource = SimCamera(world)
    planner: Planner = world.planner
    if task.grasp_shift_m is not None:
        planner = Astray(planner, task.grasp_shift_m)
    if task.moved_to_m is not None and task.wanted is not None:
        wanted, to_m = task.wanted, task.moved_to_m
        move = Once(lambda: set_down(world, wanted, to_m))
        if task.moved_at == "look":
            camera = AfterLook(camera, move)
        else:
            planner = BeforeGrasp(planner, move)
    return camera, planner
