"""What a tool raises where a skill could not answer."""

from __future__ import annotations

from langchain_core.tools import ToolException


class SkillToolError(ToolException):
    """`code` is stable; the message begins with it. The tool handles it, so that no agent run dies of it."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
