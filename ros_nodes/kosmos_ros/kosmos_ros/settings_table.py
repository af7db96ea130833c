"""What a settings class says of each field, as a list, and as a table for the docs. No ROS here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, get_args, get_origin

from annotated_types import Ge, Le

from kosmos_ros.settings import Settings

Kind = Literal["bool", "integer", "double", "string", "string array"]
Value = bool | int | float | str | tuple[str, ...]
_KINDS: dict[type, Kind] = {bool: "bool", int: "integer", float: "double", str: "string"}


@dataclass(frozen=True)
class Setting:
    """minimum, maximum: None where there is no range. choices: () where any value of the kind will do."""

    name: str
    kind: Kind
    default: Value
    description: str
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    changes: str = "any time"

    @property
    def valid(self) -> str:
        if self.choices:
            return ", ".join(self.choices)
        if self.minimum is not None and self.maximum is not None:
            return f"{self.minimum:g} to {self.maximum:g}"
        return ""


def described(settings: type[Settings]) -> tuple[Setting, ...]:
    """In the order of the class."""
    return tuple(_described(name, field) for name, field in settings.model_fields.items())


def markdown_table(settings: type[Settings]) -> str:
    """One row for each setting, with a heading row; no blank line at the end."""
    rows = ["| parameter | type | default | valid | changes | |", "| --- | --- | --- | --- | --- | --- |"]
    for item in described(settings):
        cells = (f"`{item.name}`", item.kind, _shown(item.default), item.valid, item.changes, item.description)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def _described(name: str, field: Any) -> Setting:
    bounds: dict[type, Any] = {type(rule): rule for rule in field.metadata if isinstance(rule, Ge | Le)}
    minimum, maximum = bounds.get(Ge), bounds.get(Le)
    extra = field.json_schema_extra or {}
    return Setting(
        name=name,
        kind=_kind(field.annotation),
        default=field.default,
        description=field.description,
        minimum=None if minimum is None else minimum.ge,
        maximum=None if maximum is None else maximum.le,
        choices=get_args(field.annotation) if get_origin(field.annotation) is Literal else (),
        changes=extra.get("changes", "any time"),
    )


def _kind(annotation: Any) -> Kind:
    if get_origin(annotation) is Literal:
        return "string"
    if get_origin(annotation) is tuple:
        return "string array"
    return _KINDS[annotation]


def _shown(value: Value) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return "`[]`" if value == () else f"`{value}`"
