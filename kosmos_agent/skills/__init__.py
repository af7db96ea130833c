"""What a robot can be asked for, whoever asks: a program, a LangChain agent, an MCP client."""

from kosmos_agent.skills.camera import CameraSource, DepthShot, Shot
from kosmos_agent.skills.catalogue import SKILLS, Skill, skill_named
from kosmos_agent.skills.limits import Limits
from kosmos_agent.skills.reports import SkillReport
from kosmos_agent.skills.skills import Skills
from kosmos_agent.skills.wording import text_of

__all__ = [
    "SKILLS",
    "CameraSource",
    "DepthShot",
    "Limits",
    "Shot",
    "Skill",
    "SkillReport",
    "Skills",
    "skill_named",
    "text_of",
]
