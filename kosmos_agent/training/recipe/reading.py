"""A recipe from a TOML file, or by the name of one that is shipped; errors name the key and what is valid."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from kosmos_agent.errors import InvalidConfigError
from kosmos_agent.training.recipe.models import Recipe, Shape
from kosmos_agent.training.recipe.tabletop import TabletopRecipe

CONFIGS = Path(__file__).parents[1] / "configs"
MAX_CONFIG_BYTES = 2**20
_UNION_ARMS = (Shape.__name__,)
"""What pydantic puts into the place of an error for the arm of `X | Y` that it tried."""
_KINDS: dict[str, type[Recipe] | type[TabletopRecipe]] = {
    "pretrain": Recipe,
    "instruct": Recipe,
    "finetune": Recipe,
    "tabletop": TabletopRecipe,
}


def shipped_recipes() -> tuple[str, ...]:
    """Names of the recipes that come with the package."""
    return tuple(sorted(path.stem for path in CONFIGS.glob("*.toml")))


def config_file(name: str) -> Path:
    """The file of a shipped name, or the path itself. InvalidConfigError when there is neither."""
    if name in shipped_recipes():
        return CONFIGS / f"{name}.toml"
    if Path(name).is_file():
        return Path(name)
    raise InvalidConfigError(f"no recipe {name!r}; valid: a TOML file, or one of {', '.join(shipped_recipes())}")


def read_recipe(name: str, kind: str, changes: Sequence[str] = ()) -> Recipe:
    """changes: `key=value` with dots in the key, as `schedule.steps=100` or `data.0.path=grit`.

    InvalidConfigError for a recipe of another kind, an unknown key, or a value outside what is valid.
    """
    recipe = read_any(name, changes)
    if not isinstance(recipe, Recipe) or recipe.recipe != kind:
        raise InvalidConfigError(f"{name} is a recipe for `train {recipe.recipe}`; valid here: one for `train {kind}`")
    return recipe


def read_any(name: str, changes: Sequence[str] = ()) -> Recipe | TabletopRecipe:
    path = config_file(name)
    if path.stat().st_size > MAX_CONFIG_BYTES:
        raise InvalidConfigError(f"{path} is larger than {MAX_CONFIG_BYTES} bytes")
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfigError(f"{path} is not TOML: {error}") from error
    for change in changes:
        _apply(data, change)
    return parse_recipe(data, str(path))


def parse_recipe(data: dict[str, Any], place: str = "the recipe") -> Recipe | TabletopRecipe:
    kind = data.get("recipe")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise InvalidConfigError(f"{place}: recipe is {kind!r}; valid: {', '.join(_KINDS)}")
    model = _KINDS[kind]
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise InvalidConfigError(f"{place}: {_explained(model, error)}") from error


def _apply(data: dict[str, Any], change: str) -> None:
    """Put one changed value in its place."""
    key, equals, text = change.partition("=")
    *way, last = key.split(".")
    inner: Any = data
    for part in way:
        inner = inner.setdefault(part, {}) if isinstance(inner, dict) else _item(inner, part)
    if not equals or not isinstance(inner, dict):
        raise InvalidConfigError(f"change {change!r}; valid: key=value, such as schedule.steps=100 or data.0.path=grit")
    inner[last] = _value(text)


def _item(items: Any, part: str) -> Any:
    if isinstance(items, list) and part.isdecimal() and int(part) < len(items):
        return items[int(part)]
    return None


def _value(text: str) -> Any:
    """As TOML would read it; anything else is a word."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _explained(model: type[BaseModel], error: ValidationError) -> str:
    found = error.errors(include_url=False, include_context=False)
    # Of several complaints about one thing the innermost is meant, and not that a table is no word.
    first = max(found, key=lambda item: (len(item["loc"]), item["type"] != "literal_error"))
    place = ".".join(str(part) for part in first["loc"] if str(part) not in _UNION_ARMS)
    if first["type"] == "extra_forbidden":
        return f"unknown key {place}; valid there: {', '.join(_keys_at(model, first['loc'][:-1]))}"
    said = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    shown = "" if isinstance(first["input"], dict) else f" is {first['input']!r}"
    return (
        f"{place or 'the recipe'}{shown}: {said}"
        if first["type"] == "value_error"
        else f"{place}{shown}; valid: {said}"
    )


def _keys_at(model: type[BaseModel], location: tuple[int | str, ...]) -> list[str]:
    for part in location:
        field = model.model_fields.get(str(part))
        if field is not None:
            model = _section_in(field.annotation) or model
    return list(model.model_fields)


def _section_in(annotation: Any) -> type[BaseModel] | None:
    """The section inside `X | None`, `tuple[X, ...]` and the like."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = (_section_in(inner) for inner in get_args(annotation))
    return next((section for section in found if section is not None), None)
