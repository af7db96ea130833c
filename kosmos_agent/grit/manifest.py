"""`grit.json` in a built folder: what it was built from and how, so that it can be resumed and read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kosmos_agent.errors import InvalidArgumentError

NAME = "grit.json"
_FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """pairs: folder of the pictures, relative to the built folder where it can be. shard_samples: `find_shards`' run.

    recipe: every setting that changes what is written.
    """

    pairs: str
    shard_samples: int
    recipe: Mapping[str, Any]

    def write(self, folder: Path) -> bool:
        """Whether it is news to the folder. InvalidArgumentError when shards were built there already by another recipe
        or from other pairs.
        """
        path = folder / NAME
        wanted = {"format": _FORMAT, "pairs": self.pairs, "shard_samples": self.shard_samples, "recipe": self.recipe}
        text = json.dumps(wanted, indent=2) + "\n"
        if not path.exists() or not any(folder.glob("*.parquet")):
            news = not path.exists() or path.read_bytes() != text.encode()
            path.write_text(text, encoding="utf-8", newline="\n")
            return news
        found = _parsed(path)
        differing = [name for name in wanted if found.get(name) != json.loads(text)[name]]
        if differing:
            raise InvalidArgumentError(
                f"{folder} was built with another {differing[0]} ({found.get(differing[0])}); valid: the same one, "
                "or a new folder"
            )
        return False

    @classmethod
    def read(cls, folder: Path) -> Manifest | None:
        """None for a folder that was not built here. InvalidArgumentError for a damaged file."""
        path = folder / NAME
        if not path.is_file():
            return None
        found = _parsed(path)
        try:
            return cls(str(found["pairs"]), int(found["shard_samples"]), dict(found["recipe"]))
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidArgumentError(f"{path} is damaged: {error!r}") from error

    def pictures(self, folder: Path) -> Path:
        return folder / self.pairs


def _parsed(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidArgumentError(f"{path} is no JSON: {error}") from error
    if not isinstance(found, dict) or found.get("format") != _FORMAT:
        raise InvalidArgumentError(f"{path} is no description of format {_FORMAT}")
    return found
