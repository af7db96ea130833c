"""An agent, its world and whoever watches, put together for one command or for a talk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from langchain_kosmos.agent import build_agent
from langgraph.checkpoint.memory import InMemorySaver
from rich.console import Console

from kosmos_agent.cli._agent import Conversation, Watcher, turn_json
from kosmos_agent.cli._agent_screen import Screen, Silence, plain
from kosmos_agent.cli._agent_world import AgentWorld, simulated
from kosmos_agent.grounder import Grounder

_GOODBYES = frozenset({"exit", "quit", "bye"})


class AgentRun:
    """Lays a table for each run, and closes it after."""

    def __init__(
        self, grounder: Grounder, model: str, seed: int, out: Path, *, approve: bool, max_tool_calls: int
    ) -> None:
        self._grounder, self._model, self._seed, self._out = grounder, model, seed, out
        self._approve, self._max_tool_calls = approve, max_tool_calls
        self._console = Console(highlight=False)

    def answer(self, command: str) -> bool:
        """Shown as it goes on; the last lines are the simulator's verdict. True: done, by the agent's own claim."""
        screen = Screen(self._console)
        with self._conversation(command, screen) as (conversation, world):
            turn = conversation.say(command)
            screen.end()
            for what, things in world.truth().items():
                self._console.print(f"{what}: {', '.join(things) or 'nothing'}", style="dim")
        return turn.succeeded

    def answer_as_json(self, command: str) -> tuple[dict[str, Any], bool]:
        """truth: what the simulator knows of what was lifted and moved."""
        with self._conversation(command, Silence()) as (conversation, world):
            turn = conversation.say(command)
            result = {**turn_json(turn), "model": self._model, "seed": self._seed, "truth": world.truth()}
        return result, turn.succeeded

    def talk(self) -> None:
        """Until the end of input, or a goodbye."""
        screen = Screen(self._console)
        with self._conversation(None, screen) as (conversation, _):
            for command in prompted(self._console):
                conversation.say(command)
                screen.end()

    @contextmanager
    def _conversation(self, command: str | None, watcher: Watcher) -> Iterator[tuple[Conversation, AgentWorld]]:
        with simulated(self._grounder, self._seed, command) as world:
            agent = build_agent(
                self._model,
                tools=world.tools,
                approve=self._approve,
                max_tool_calls=self._max_tool_calls,
                checkpointer=InMemorySaver(),
            )
            yield Conversation(agent, watcher, world.draw, self._out), world


def prompted(console: Console) -> Iterator[str]:
    """What a person types, line by line."""
    console.print('What shall I do? ("help" lists what I understand; "exit" ends)', style="dim")
    while True:
        try:
            line = plain(console.input("> "), cut=False).strip()
        except EOFError:
            return
        if line.lower() in _GOODBYES:
            return
        if line:
            yield line
