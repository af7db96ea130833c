"""Whether a folder holds a zero-shot detector of transformers, judged by its config.json (no transformers here)."""

from __future__ import annotations

import json
from pathlib import Path

DINO_TYPES = ("grounding-dino", "mm-grounding-dino")
OWL_TYPES = ("owlvit", "owlv2")


def zero_shot_type(folder: str | Path) -> str | None:
    """The `model_type` of such a detector; None for anything else."""
    try:
        config = json.loads((Path(folder) / "config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    found = config.get("model_type") if isinstance(config, dict) else None
    return found if found in (*DINO_TYPES, *OWL_TYPES) else None
