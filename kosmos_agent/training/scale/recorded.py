"""The recipe beside its run: a run goes on by the recipe that it began with, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kosmos_agent.errors import InvalidConfigError
from kosmos_agent.training.recipe.models import Recipe

RECIPE_FILE = "recipe.json"
_FREE = ("compute.sharding", "compute.checkpoint_activations", "compute.loader_threads", "compute.threads", "saving")
"""What may change in mid-run, as it changes no sample and no weight beyond the order of sums."""


def record_recipe(recipe: Recipe, folder: Path) -> None:
    """InvalidConfigError, naming the first key that differs, where the folder holds a run of another recipe."""
    file, now = folder / RECIPE_FILE, recipe.model_dump(mode="json")
    if file.exists():
        before = json.loads(file.read_text())
        changed = [key for key in _differences(before, now) if not key.startswith(_FREE)]
        if changed:
            raise InvalidConfigError(
                f"{folder} holds a run with another {changed[0]}; valid: the recipe that it began with ({file}), "
                "or a new folder"
            )
    file.write_text(json.dumps(now, indent=2) + "\n")


def _differences(before: Any, now: Any, place: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        keys = [*before, *(key for key in now if key not in before)]
        parts = [_differences(before.get(key), now.get(key), f"{place}.{key}".lstrip(".")) for key in keys]
        return [key for part in parts for key in part]
    return [] if before == now else [place]
