"""The recipe beside its run: a run goes on by the recipe that it began with, or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kosmos_agent.errors import InvalidConfigError
from kosmos_agent.training.recipe.models import Recipe
from kosmos_agent.training.scale.run_state import STATE_FOLDER, saved_at

RECIPE_FILE = "recipe.json"
_FREE = ("compute.sharding", "compute.checkpoint_activations", "compute.loader_threads", "compute.threads", "saving")
"""What may change in mid-run, as it changes no sample and no weight beyond the order of sums."""


def check_recipe(recipe: Recipe, folder: Path) -> None:
    """InvalidConfigError, naming the first key that differs, where the folder holds steps made by another recipe.

    Without a saved state no step is kept, and any recipe may begin there.
    """
    file = folder / RECIPE_FILE
    if not file.exists() or saved_at(folder / STATE_FOLDER) is None:
        return
    differ = _differences(json.loads(file.read_text()), recipe.model_dump(mode="json"))
    changed = [key for key in differ if not key.startswith(_FREE)]
    if changed:
        raise InvalidConfigError(
            f"{folder} holds a run with another {changed[0]}; valid: the recipe that it began with ({file}), "
            "or a new folder"
        )


def record_recipe(recipe: Recipe, folder: Path) -> None:
    (folder / RECIPE_FILE).write_text(json.dumps(recipe.model_dump(mode="json"), indent=2) + "\n")


def _differences(before: Any, now: Any, place: str = "") -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        keys = [*before, *(key for key in now if key not in before)]
        parts = [_differences(before.get(key), now.get(key), f"{place}.{key}".lstrip(".")) for key in keys]
        return [key for part in parts for key in part]
    return [] if before == now else [place]
