"""Which tools may move something."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.tools import BaseTool

from langchain_kosmos.calls import MOTIONS, SKILLS

_SAID = ("read_only", "readOnlyHint", "read_only_hint")


def moves(tool: BaseTool) -> bool:
    """True unless the tool is one of ours that only look, or its metadata says that it is read-only.

    Metadata never makes one of our own two motions harmless.
    """
    if tool.name in MOTIONS:
        return True
    if tool.name in SKILLS:
        return False
    metadata = tool.metadata or {}
    return not any(metadata.get(name) is True for name in _SAID)


def motions(tools: Sequence[BaseTool]) -> list[str]:
    """Names of the tools that may move something, in their order."""
    return [tool.name for tool in tools if moves(tool)]
