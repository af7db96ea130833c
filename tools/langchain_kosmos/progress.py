"""The stages of a skill, told to whoever streams the graph in which its tool runs (`stream_mode="custom"`)."""

from __future__ import annotations

from langgraph.config import get_stream_writer

from kosmos_agent.skills.hands import OnProgress, quiet


def progress_of(tool: str) -> OnProgress:
    """Call it in the tool's own context. Each stage is streamed as {"tool": ..., "progress": ...}."""
    try:
        write = get_stream_writer()
    except (RuntimeError, KeyError):
        # Outside a graph nobody listens.
        return quiet
    return lambda stage: write({"tool": tool, "progress": stage})
