"""The simulated table that an agent is given when nothing else is: its eyes, its arm, its tools and its judge."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from kosmos_sim.camera_source import SimCamera
from kosmos_sim.instructions import wanted_thing
from kosmos_sim.setting import Target
from kosmos_sim.world import Tabletop
from langchain_core.tools import BaseTool
from langchain_kosmos.grammar import parse
from langchain_kosmos.plans import Pick, Plan
from langchain_kosmos.running import Runner
from langchain_kosmos.tool_results import ToolResult
from langchain_kosmos.tools import skill_tools
from PIL import Image

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.clauses import parse as parse_phrase
from kosmos_agent.skills import Skills, skill_named
from kosmos_agent.skills.pictures import annotated


@dataclass(frozen=True)
class AgentWorld:
    """tools: bound to the table's camera and arm."""

    tools: list[BaseTool]
    table: Tabletop
    skills: Skills

    def draw(self, result: ToolResult) -> Image.Image | None:
        """The picture that the result rests on, with its answer; None where that is no longer kept."""
        report = skill_named(result.tool).report.model_validate(dict(result.report))
        return annotated(self.skills, report)

    def truth(self) -> dict[str, list[str]]:
        """What the simulator knows and the agent never sees: what hangs in the air, and what else was moved."""
        verdicts = [self.table.judge.verdict(item.name) for item in self.table.items[:2]]
        moved = {name for verdict in verdicts for name in verdict.moved_m} - set(verdicts[0].lifted)
        names = [item.name for item in self.table.items]
        return {
            "lifted": [self._words(name) for name in names if name in verdicts[0].lifted],
            "moved": [self._words(name) for name in names if name in moved],
        }

    def _words(self, name: str) -> str:
        item = next(item for item in self.table.items if item.name == name)
        return f"{item.colour} {item.category}"


@contextmanager
def simulated(grounder: Grounder, seed: int, command: str | None) -> Iterator[AgentWorld]:
    """The table that `seed` lays; what the command wants picked up stands on it, if the arm can hold such a thing."""
    # Drawing keeps a context for each thread, and the table's clock is moved by the thread that moves the arm.
    runner = Runner(threads=1)
    with Tabletop.random(seed, wanted_by(command)) as table:
        skills = Skills(SimCamera(table), grounder, table.planner)
        try:
            yield AgentWorld(skill_tools(skills, runner=runner), table, skills)
        finally:
            runner.run(lambda cancel: table.close())
            runner.close()


def wanted_by(command: str | None) -> Target | None:
    """Category and colour of the first thing that the command wants picked up; None: any table will do."""
    plan = parse(command or "")
    picks = [step for step in plan.steps if isinstance(step, Pick)] if isinstance(plan, Plan) else []
    try:
        return wanted_thing(parse_phrase(picks[0].phrase).plain_head) if picks else None
    except InvalidArgumentError:
        return None
