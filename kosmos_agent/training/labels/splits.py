"""Which pictures an export itself keeps for judging: what lies in, or is listed by, train, val, valid or test."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

Part = Literal["train", "judge"]
_PARTS: dict[str, Part] = {"train": "train", "val": "judge", "valid": "judge", "validation": "judge", "test": "judge"}


def own_part(file: Path, root: Path) -> Part | None:
    """By a folder below `root`, or a word of the file's name: `valid/images`, `train2017`, `instances_val2017.json`."""
    base = next((base for base in (root, root.resolve()) if file.is_relative_to(base)), None)
    if base is None:
        return None
    *folders, _ = file.relative_to(base).parts
    words = [*re.split(r"[_.\- ]", file.stem)] if file.suffix == ".json" else []
    parts = (_PARTS.get(word.lower().rstrip("0123456789")) for word in (*folders, *words))
    return next((part for part in parts if part is not None), None)


def divides(parts: Sequence[Part | None]) -> bool:
    """Whether an export has a split of its own: something to train on, and something to judge by."""
    return "judge" in parts and any(part != "judge" for part in parts)
