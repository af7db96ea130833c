"""What a person sees of an agent at work: each call, its stages, its result, and the answer word by word."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from langchain_kosmos.tool_results import ToolResult
from rich.console import Console
from rich.prompt import Confirm
from rich.text import Text

_GOOD = frozenset({"found", "present", "described", "answered", "picked", "placed"})
_MAX_CHARACTERS = 200


class Screen:
    """A `Watcher`. Words are printed as they are: never as markup, and without what a terminal would obey."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._talking = False
        self._stage = ""

    def called(self, tool: str, arguments: Mapping[str, Any]) -> None:
        given = "  ".join(f"{name}: {plain(str(value))}" for name, value in arguments.items())
        self._line(Text.assemble(("-> ", "cyan"), (plain(tool), "bold cyan"), f"  {given}"))
        self._stage = ""

    def progressed(self, tool: str, stage: str) -> None:
        if stage != self._stage:
            self._line(Text(f"   {plain(stage)}", style="dim"))
        self._stage = stage

    def returned(self, result: ToolResult, picture: Path | None) -> None:
        word = result.code or result.status
        style = "red" if result.code else "green" if result.status in _GOOD else "yellow"
        said = f"  {plain(result.message)}" if result.message else ""
        shown = "" if picture is None else f"  {picture}"
        self._line(Text.assemble(("<- ", style), (plain(word), f"bold {style}"), said, (shown, "dim")))

    def said(self, words: str) -> None:
        self._console.print(Text(plain(words, cut=False)), end="", soft_wrap=True)
        self._talking = True

    def approves(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        self._end_of_words()
        given = ", ".join(f"{name}: {plain(str(value))}" for name, value in arguments.items())
        try:
            return Confirm.ask(Text(f"Call {plain(tool)} ({given})?"), console=self._console, default=False)
        except EOFError:
            return False

    def end(self) -> None:
        """The turn is over."""
        self._end_of_words()

    def _line(self, text: Text) -> None:
        self._end_of_words()
        self._console.print(text, soft_wrap=True)

    def _end_of_words(self) -> None:
        if self._talking:
            self._console.print()
        self._talking = False


class Silence:
    """A `Watcher` for programs: it shows nothing, and nobody is there to approve of anything."""

    def called(self, tool: str, arguments: Mapping[str, Any]) -> None: ...

    def progressed(self, tool: str, stage: str) -> None: ...

    def returned(self, result: ToolResult, picture: Path | None) -> None: ...

    def said(self, words: str) -> None: ...

    def approves(self, tool: str, arguments: Mapping[str, Any]) -> bool:
        return False


def plain(text: str, *, cut: bool = True) -> str:
    """Without control characters but for line breaks in what is not cut; words may come out of a picture."""
    shown = "".join(
        character if character.isprintable() or (not cut and character == "\n") else " " for character in text
    )
    return shown[:_MAX_CHARACTERS] + "..." if cut and len(shown) > _MAX_CHARACTERS else shown
