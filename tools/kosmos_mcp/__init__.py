"""The MCP server: the robot's skills as tools of the Model Context Protocol, over stdio or streamable HTTP."""

from kosmos_mcp.server import SkillServer

__all__ = ["SkillServer"]
