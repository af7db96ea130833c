"""Settings as parameters of a node: declared with descriptors and ranges, read back typed, checked when set."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, ParameterType, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from kosmos_agent.errors import InvalidArgumentError
from kosmos_ros.settings import Settings
from kosmos_ros.settings_table import Setting, Value, described

SomeSettings = TypeVar("SomeSettings", bound=Settings)

_TYPES = {
    "bool": ParameterType.PARAMETER_BOOL,
    "integer": ParameterType.PARAMETER_INTEGER,
    "double": ParameterType.PARAMETER_DOUBLE,
    "string": ParameterType.PARAMETER_STRING,
    "string array": ParameterType.PARAMETER_STRING_ARRAY,
}


def descriptor(setting: Setting) -> ParameterDescriptor:
    """With range or choices, and in words what it is and when it may change."""
    made = ParameterDescriptor(name=setting.name, type=_TYPES[setting.kind], description=setting.description)
    made.read_only = setting.changes == "at start"
    notes = [f"one of: {', '.join(setting.choices)}"] if setting.choices else []
    made.additional_constraints = "; ".join([*notes, f"changes {setting.changes}"])
    if setting.minimum is not None and setting.maximum is not None:
        if setting.kind == "integer":
            span = IntegerRange(from_value=int(setting.minimum), to_value=int(setting.maximum), step=0)
            made.integer_range = [span]
        else:
            made.floating_point_range = [
                FloatingPointRange(from_value=setting.minimum, to_value=setting.maximum, step=0.0)
            ]
    return made


def declare(node: Node, settings: type[SomeSettings]) -> SomeSettings:
    """Declares all of them and reads what the command line or a file gave.

    InvalidArgumentError names the parameter; rclpy's own errors, of a wrong type or out of range, pass through.
    """
    for item in described(settings):
        node.declare_parameter(item.name, _to_ros(item.default), descriptor(item))
    return read(node, settings)


def read(node: Node, settings: type[SomeSettings]) -> SomeSettings:
    """The values of this moment; InvalidArgumentError names the one that is wrong."""
    values = {item.name: node.get_parameter(item.name).value for item in described(settings)}
    return settings.checked(_from_ros(values))


def changed(current: SomeSettings, parameters: Iterable[Parameter], *, configured: bool) -> SomeSettings:
    """The settings after a change; parameters of other names are not ours and are passed over.

    configured: whether the model and the subscriptions are made; then what they were made with cannot change.
    InvalidArgumentError says which parameter is wrong and what is valid.
    """
    ours = {item.name: item for item in described(type(current))}
    new = {item.name: item.value for item in parameters if item.name in ours}
    result = current.checked({**current.model_dump(), **_from_ros(new)})
    for name in new:
        fixed = configured and ours[name].changes != "any time"
        if fixed and getattr(result, name) != getattr(current, name):
            raise InvalidArgumentError(f"parameter {name} changes {ours[name].changes}: clean up the node first")
    return result


def verdict(current: Settings, parameters: Iterable[Parameter], *, configured: bool) -> SetParametersResult:
    """For `Node.add_on_set_parameters_callback`."""
    try:
        changed(current, parameters, configured=configured)
    except InvalidArgumentError as error:
        return SetParametersResult(successful=False, reason=str(error))
    return SetParametersResult(successful=True)


def _to_ros(value: Value) -> bool | int | float | str | list[str]:
    # rclpy takes an empty list for an array of bytes, so no phrase at all is one empty string.
    return (list(value) or [""]) if isinstance(value, tuple) else value


def _from_ros(values: Mapping[str, Any]) -> dict[str, object]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()}
