"""Records that a run could not use, a line of JSON for each, with the reason."""

from __future__ import annotations

import json
from pathlib import Path

from kosmos_agent.errors import KosmosAgentError

REJECTS_FILE = "rejects.jsonl"


class Rejects:
    """`rejects.jsonl` in the run's folder. Samples that are due twice, or opened twice, are written twice."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / REJECTS_FILE

    def add(self, title: str, number: int | None, error: KosmosAgentError) -> None:
        """number: of the sample; None for what a source passes over by itself."""
        record = {"source": title, "sample": number, "code": error.code, "reason": str(error)}
        with self.path.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)

    def count(self) -> int:
        """Different ones."""
        return len(set(self.path.read_text().splitlines())) if self.path.exists() else 0
