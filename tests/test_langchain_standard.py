"""LangChain's own suites for tools, every tool, sync and async."""

import pytest

pytest.importorskip("langchain_tests", reason="the agent wing's test packages are not installed")

from kosmos_sim.camera_source import SimCamera
from kosmos_sim.world import Tabletop
from langchain_kosmos import kosmos_tools
from langchain_tests.integration_tests import ToolsIntegrationTests
from langchain_tests.unit_tests import ToolsUnitTests
from skill_parts import StillArm

from kosmos_agent.grounder import Grounder
from kosmos_agent.robot.planner import MotionOutcome
from kosmos_agent.skills import SKILLS

EXAMPLES = {
    "find_object": {"phrase": "the red cup"},
    "locate_object": {"phrase": "the red cup"},
    "describe_scene": {},
    "describe_region": {"box": [0.3, 0.4, 0.5, 0.7]},
    "answer_about_scene": {"question": "how many cups are there?"},
    "check_presence": {"phrase": "the purple cup"},
    "pick_object": {"phrase": "the green banana"},
    "place_object": {"phrase": "the black pot", "relation": "left of"},
}


class Arm(StillArm):
    """Holds whatever it was told to pick, and never lets go."""

    def place(self, goal, *, on_phase=None, cancel=None):
        return MotionOutcome(succeeded=False, phase="lower", reason="blocked", message="no", duration_s=1.0)


@pytest.fixture(scope="module")
def robot():
    with Tabletop.random(1, ("cup", "red")) as world:
        tools = kosmos_tools(camera=SimCamera(world), grounder=Grounder.load("tabletop"), planner=Arm())
        named = {tool.name: tool for tool in tools}
        named["pick_object"].invoke({"phrase": "the purple cup"})
        yield named


class _Example:
    """`robot` comes by a fixture that the suites do not know; so the tool is bound before each test."""

    skill = ""
    _tool = None

    @pytest.fixture(autouse=True)
    def _bound(self, robot):
        type(self)._tool = robot[self.skill]

    @property
    def tool_constructor(self):
        return self._tool

    @property
    def tool_invoke_params_example(self):
        return EXAMPLES[self.skill]


def suites():
    for skill in SKILLS:
        name = skill.name.title().replace("_", "")
        for kind, base in (("Unit", ToolsUnitTests), ("Integration", ToolsIntegrationTests)):
            yield f"Test{name}{kind}", type(f"Test{name}{kind}", (_Example, base), {"skill": skill.name})


globals().update(suites())


def test_every_skill_has_both_suites():
    assert set(EXAMPLES) == {skill.name for skill in SKILLS}
    assert len([name for name in globals() if name.startswith("Test")]) == 2 * len(SKILLS)
