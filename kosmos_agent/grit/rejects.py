"""What was set aside and why: a line for each pair, so that nothing is lost without a word."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from kosmos_agent.errors import KosmosAgentError

REJECTS = "rejects"
"""Folder, inside of a built one, with a file for each shard."""


@dataclass(frozen=True)
class Reject:
    """stage: where in the recipe. code: of the error; that of an error nobody foresaw is `unexpected`."""

    key: str
    stage: str
    code: str
    reason: str

    @classmethod
    def of(cls, key: str, stage: str, error: BaseException) -> Reject:
        foreseen = isinstance(error, KosmosAgentError)
        code = error.code if isinstance(error, KosmosAgentError) else "unexpected"
        return cls(key, stage, code, str(error) if foreseen else f"{type(error).__name__}: {error}")


def write_rejects(path: Path, rejects: Iterable[Reject]) -> None:
    """JSON lines; the file appears whole or not at all. Halves of surrogate pairs become JSON's own escapes."""
    whole = path.with_name(f".{path.name}.part")
    lines = (json.dumps(asdict(reject), ensure_ascii=False) + "\n" for reject in rejects)
    with whole.open("w", encoding="utf-8", errors="backslashreplace", newline="\n") as file:
        file.writelines(lines)
    os.replace(whole, path)


def read_rejects(path: Path) -> Iterator[Reject]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield Reject(**json.loads(line))
