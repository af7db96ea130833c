"""Eyes and hands for LangChain agents, and a command planner that needs no network."""

from langchain_kosmos.agent import build_agent
from langchain_kosmos.errors import SkillToolError
from langchain_kosmos.offline import OfflineCommander
from langchain_kosmos.tools import KosmosTool, kosmos_tools, skill_tools

__all__ = ["KosmosTool", "OfflineCommander", "SkillToolError", "build_agent", "kosmos_tools", "skill_tools"]
