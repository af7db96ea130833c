"""Which nodes make up the graph, what they are called and what they hear: for a real camera and for the simulation.

`kosmos-agent ros up`, the launch files, `ros doctor` and the demo all go by this one description. No ROS here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from kosmos_agent.errors import InvalidArgumentError
from kosmos_ros.settings import GroundingSettings, PickSettings, Settings, SimCameraSettings
from kosmos_ros.settings_table import Setting, Value, described

SIM_TIME = Setting("use_sim_time", "bool", False, "go by /clock instead of the wall's clock")
"""The parameter that every node has."""

_NAME = re.compile(r"(?:~/|/)?[A-Za-z_]\w*(?:/[A-Za-z_]\w*)*", re.ASCII)
_MAX_NAME_CHARACTERS = 255


@dataclass(frozen=True)
class NodeSpec:
    """One node, which is one process.

    hears, says: the names in its code that may be remapped: what comes in and the services and actions that it calls;
    what it publishes and serves. optional: those of `hears` without which it is still well. parameters: what differs
    from the settings' defaults. remappings: name in the code -> name in the graph.
    """

    name: str
    module: str
    settings: type[Settings]
    hears: tuple[str, ...] = ()
    says: tuple[str, ...] = ()
    optional: frozenset[str] = frozenset()
    lifecycle: bool = False
    namespace: str = "/"
    parameters: Mapping[str, Value] = field(default_factory=dict)
    remappings: Mapping[str, str] = field(default_factory=dict)

    @property
    def executable(self) -> str:
        """What it is called among the programs of a built workspace."""
        return self.module.rpartition(".")[2]

    @property
    def full_name(self) -> str:
        return f"{self.namespace.rstrip('/')}/{self.name}"

    @property
    def names(self) -> tuple[str, ...]:
        """All that may be remapped."""
        return (*self.hears, *self.says)

    @property
    def use_sim_time(self) -> bool:
        return bool(self.parameters.get(SIM_TIME.name, SIM_TIME.default))

    def setting(self, name: str) -> Setting:
        """InvalidArgumentError lists the parameters that there are."""
        known = {item.name: item for item in (*described(self.settings), SIM_TIME)}
        if name not in known:
            raise InvalidArgumentError(f"node {self.name} has no parameter {name!r}; valid: {', '.join(known)}")
        return known[name]

    def checked(self) -> Settings:
        """All settings that it would start with; InvalidArgumentError as of `Settings.checked`."""
        values = {name: value for name, value in self.parameters.items() if name != SIM_TIME.name}
        return self.settings.checked(values)

    def arguments(self) -> list[str]:
        """Words of its command line after the module's name; no shell ever reads them."""
        words = ["--ros-args", "-r", f"__node:={self.name}", "-r", f"__ns:={self.namespace}"]
        for source, target in self.remappings.items():
            words += ["-r", f"{source}:={target}"]
        for name, value in self.parameters.items():
            words += ["-p", f"{name}:={parameter_text(value)}"]
        return words

    def resolved(self, name: str) -> str:
        """The full name in the graph of a name in its code."""
        name = self.remappings.get(name, name)
        if name.startswith("~/"):
            return f"{self.full_name}/{name[2:]}"
        return name if name.startswith("/") else f"{self.namespace.rstrip('/')}/{name}"


@dataclass(frozen=True)
class Graph:
    """Started in this order, ended in the other."""

    nodes: tuple[NodeSpec, ...]

    def node(self, name: str) -> NodeSpec:
        """InvalidArgumentError lists the nodes that there are."""
        for spec in self.nodes:
            if spec.name == name:
                return spec
        raise InvalidArgumentError(f"no node {name!r}; valid: {', '.join(spec.name for spec in self.nodes)}")

    def with_values(self, name: str, values: Mapping[str, Value]) -> Self:
        """The graph with parameters of one node set; InvalidArgumentError names the wrong one and what is valid."""
        spec = self.node(name)
        for parameter in values:
            spec.setting(parameter)
        changed = replace(spec, parameters={**spec.parameters, **values})
        try:
            changed.checked()
        except InvalidArgumentError as error:
            raise InvalidArgumentError(f"node {name}: {error}") from error
        return self._with(changed)

    def with_parameters(self, rules: Iterable[str]) -> Self:
        """rules: as users type them, `grounding.max_results:=3`. InvalidArgumentError: see `with_values`."""
        result = self
        for rule in rules:
            node, name, text = _parameter_rule(rule)
            result = result.with_values(node, {name: parameter_value(result.node(node).setting(name), text)})
        return result

    def with_remaps(self, rules: Iterable[str]) -> Self:
        """rules: as users type them, `image_raw:=/my/camera/image_raw`, or for one node `pick:grasp:=/arm/grasp`.

        The compressed topic follows its raw one, as image_transport names it. InvalidArgumentError: no node uses the
        name, or it is remapped twice, or the new one is no name of ROS 2.
        """
        result, seen = self, set()
        # What is said of a compressed topic itself holds against what follows from its raw one.
        for node, source, target in sorted(map(_remap_rule, rules), key=lambda rule: rule[1].endswith(_COMPRESSED)):
            if (node, source) in seen:
                raise InvalidArgumentError(f"{source} is remapped twice; valid: once for each node")
            seen.add((node, source))
            chosen = [result.node(node)] if node else list(result.nodes)
            users = [spec for spec in chosen if source in spec.names]
            if not users:
                valid = dict.fromkeys(name for spec in chosen for name in spec.names)
                raise InvalidArgumentError(f"no node uses the name {source!r}; valid: {', '.join(valid)}")
            for spec in users:
                result = result._with(_remapped(spec, source, target))
        return result

    def _with(self, changed: NodeSpec) -> Self:
        return replace(self, nodes=tuple(changed if spec.name == changed.name else spec for spec in self.nodes))


_COMPRESSED = "/compressed"
_TF = ("/tf", "/tf_static")
_CAMERA = {
    "image_raw": "/camera/image_raw",
    "image_raw/compressed": "/camera/image_raw/compressed",
    "camera_info": "/camera/camera_info",
    "depth/image_rect": "/camera/depth/image_rect",
}

SIM = NodeSpec(
    name="sim",
    module="kosmos_ros.sim_camera_node",
    settings=SimCameraSettings,
    says=(
        *("camera/image_raw", "camera/image_raw/compressed", "camera/camera_info", "camera/depth/image_rect"),
        *(*_TF, "/clock", "~/grasp", "~/judge"),
    ),
)
GROUNDING = NodeSpec(
    name="grounding",
    module="kosmos_ros.grounding_node",
    settings=GroundingSettings,
    lifecycle=True,
    hears=(*_CAMERA, *_TF, "~/phrases"),
    optional=frozenset({"~/phrases", "/tf", "/tf_static"}),
    says=(
        *("~/ground", "~/find", "~/answers", "~/detections", "~/detections_3d", "~/target_pose", "~/target_events"),
        *("~/annotated_image", "~/markers", "~/info", "/diagnostics"),
    ),
    remappings=_CAMERA,
)
PICK = NodeSpec(
    name="pick",
    module="kosmos_ros.pick_node",
    settings=PickSettings,
    hears=("ground", "grasp", "target_events", "answers"),
    optional=frozenset({"answers"}),
    says=("~/pick", "~/status", "~/grasp_pose", "~/collision_object"),
    remappings={
        "ground": "/grounding/ground",
        "grasp": "/sim/grasp",
        "target_events": "/grounding/target_events",
        "answers": "/grounding/answers",
    },
)


def camera_graph() -> Graph:
    """For a real robot: targets are handed over in `base_link`, and another program moves the arm."""
    return Graph((GROUNDING, PICK)).with_values("pick", {"planner": "pose", "target_frame": "base_link"})


def simulated_graph(seed: int | None = None) -> Graph:
    """For the simulated robot, on the simulation's time. InvalidArgumentError: no such seed."""
    grounding = replace(GROUNDING, parameters={SIM_TIME.name: True, "target_frame": "base"})
    pick = replace(PICK, parameters={SIM_TIME.name: True})
    graph = Graph((SIM, grounding, pick))
    return graph if seed is None else graph.with_values(SIM.name, {"seed": seed})


def parameter_text(value: Value) -> str:
    """As ROS 2 reads it on a command line: JSON, whose quotes keep a text from being taken for a number."""
    # rcl knows no list of nothing that is a list of strings, so no phrase at all is one empty string.
    given = (list(value) or [""]) if isinstance(value, tuple) else value
    return json.dumps(given, ensure_ascii=False)


def parameter_value(setting: Setting, text: str) -> Value:
    """What a user typed, as the setting's kind; InvalidArgumentError says what is valid.

    A list of strings is given as JSON, or, of one, as it is.
    """
    try:
        if setting.kind == "bool":
            return {"true": True, "false": False}[text.strip().lower()]
        if setting.kind == "integer":
            return int(text)
        if setting.kind == "double":
            return float(text)
        if setting.kind == "string array":
            return _strings(text)
    except (KeyError, ValueError) as error:
        valid = {"bool": "true or false", "string array": '["a", "b"]'}.get(setting.kind, f"a number ({setting.kind})")
        raise InvalidArgumentError(f"parameter {setting.name} is {text[:64]!r}; valid: {valid}") from error
    return text


def _strings(text: str) -> tuple[str, ...]:
    if not text.lstrip().startswith("["):
        return (text,)
    items = json.loads(text)
    if not all(isinstance(item, str) for item in items):
        raise ValueError("not all of them are strings")
    return tuple(items)


def _parameter_rule(rule: str) -> tuple[str, str, str]:
    """(node, parameter, text) of `node.parameter:=text`."""
    left, sign, text = rule.partition(":=")
    node, dot, name = left.strip().partition(".")
    if not (sign and dot and node and name):
        raise InvalidArgumentError(f"--param {rule[:64]!r}; valid: NODE.PARAMETER:=VALUE, as grounding.max_results:=3")
    return node, name, text


def _remap_rule(rule: str) -> tuple[str, str, str]:
    """(node or empty, old name, new name) of `[node:]old:=new`."""
    left, sign, target = (part.strip() for part in rule.partition(":="))
    node, colon, source = left.rpartition(":")
    if not sign or not source or (colon and not node):
        raise InvalidArgumentError(f"--remap {rule[:64]!r}; valid: [NODE:]FROM:=TO, as image_raw:=/camera/image_raw")
    if not _NAME.fullmatch(target) or "__" in target or len(target) > _MAX_NAME_CHARACTERS:
        raise InvalidArgumentError(
            f"--remap {rule[:64]!r}: {target[:64]!r} is no name; valid: words of letters, digits and _, with / between"
        )
    return node, source, target


def _remapped(spec: NodeSpec, source: str, target: str) -> NodeSpec:
    rules = {**spec.remappings, source: target}
    follower = source + _COMPRESSED
    if follower in spec.names:
        rules[follower] = target + _COMPRESSED
    return replace(spec, remappings=rules)
