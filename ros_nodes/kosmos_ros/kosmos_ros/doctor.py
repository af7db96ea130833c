"""Looks at the live graph and names what is wrong with it, with a remedy for each."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

from rcl_interfaces.srv import GetParameters, ListParameters
from rclpy.parameter import parameter_value_to_python

from kosmos_agent.errors import KosmosAgentError
from kosmos_ros import environment, graph_checks, traffic_checks
from kosmos_ros.faults import Fault
from kosmos_ros.graph import GROUNDING, SIM, SIM_TIME, Graph, NodeSpec, camera_graph, simulated_graph
from kosmos_ros.listening import listening
from kosmos_ros.session import Session
from kosmos_ros.settings import GroundingSettings
from kosmos_ros.settings_table import described

DISCOVERY_S, QUIET_S = 4.0, 1.5
"""Participants tell of themselves every 3 s; then it is waited until nobody new turns up."""
LISTEN_S = 3.0
_CAMERA_INFO = "sensor_msgs/msg/CameraInfo"


def graph_there(session: Session) -> Graph:
    """The description that fits: the simulated one where the simulated robot is."""
    names = session.node.get_node_names_and_namespaces()
    return simulated_graph() if (SIM.name, SIM.namespace) in names else camera_graph()


def examine(
    session: Session,
    graph: Graph | None = None,
    *,
    variables: Mapping[str, str] | None = None,
    discovery_s: float = DISCOVERY_S,
    listen_s: float = LISTEN_S,
) -> list[Fault]:
    """Takes a few seconds. graph: which nodes are expected; None: see `graph_there`. variables: of the user's shell."""
    _discover(session, discovery_s)
    graph = graph or graph_there(session)
    specs = graph_checks.present(session.node, graph)
    found = [] if variables is None else _shell(variables)
    found += graph_checks.check_nodes(session.node, graph)
    found += graph_checks.check_lifecycles(session, specs)
    found += graph_checks.check_hearing(session.node, specs)
    found += graph_checks.check_asking(session.node, specs)
    found += _traffic(session, specs, listen_s)
    found += graph_checks.unheard_outputs(session.node, specs)
    return found


def _discover(session: Session, at_least_s: float) -> None:
    start_s = changed_s = time.monotonic()
    known: list[tuple[str, str]] = []
    while time.monotonic() < max(start_s + at_least_s, changed_s + min(at_least_s, QUIET_S)):
        now = sorted(session.node.get_node_names_and_namespaces())
        if now != known:
            known, changed_s = now, time.monotonic()
        session.until(lambda: False, 0.1)


def _shell(variables: Mapping[str, str]) -> list[Fault]:
    """`ros up` gives its own nodes the profile; a camera's driver that is started from this shell needs it as well."""
    missing = environment.missing_profile(variables)
    if missing is None:
        return []
    return [Fault("shell_profile", environment.PROFILE_FILE, missing, "for cameras that you start here", level="note")]


def _traffic(session: Session, specs: Sequence[NodeSpec], listen_s: float) -> list[Fault]:
    node = session.node
    values = {spec.name: _parameters(session, spec) for spec in specs}
    sim_time = {
        spec.full_name: bool(values[spec.name].get(SIM_TIME.name))
        for spec in specs
        if values[spec.name] and spec.name != SIM.name
    }
    simulated = any(sim_time.values())
    topics = _camera_topics(session) if any(spec.name == GROUNDING.name for spec in specs) else {}
    with listening(session, list(topics), simulated=simulated) as heard:
        session.until(lambda: False, listen_s)
        found = list(traffic_checks.check_clock(heard, sim_time, node.count_publishers("/clock")))
        settings = _settings(values.get(GROUNDING.name, {}))
        found += traffic_checks.check_cameras(heard, topics, settings, simulated=simulated)
        found += traffic_checks.check_diagnostics(heard, tuple(spec.full_name for spec in specs))
    return found


def _camera_topics(session: Session) -> dict[str, int]:
    """Those of camera_info that the grounding node subscribes to, with the number of their publishers."""
    heard = session.node.get_subscriber_names_and_types_by_node(GROUNDING.name, GROUNDING.namespace)
    return {topic: session.node.count_publishers(topic) for topic, kinds in heard if _CAMERA_INFO in kinds}


def _parameters(session: Session, spec: NodeSpec) -> dict[str, Any]:
    """Those that the description knows and the node has; {}: it does not answer, which `check_lifecycles` says."""
    wanted = [SIM_TIME.name, *(item.name for item in described(spec.settings))]
    try:
        # Asked for one that it has not, a node answers with none at all.
        there = _ask(session, ListParameters, f"{spec.full_name}/list_parameters", ListParameters.Request())
        names = [name for name in wanted if name in there.result.names]
        request = GetParameters.Request(names=names)
        values = _ask(session, GetParameters, f"{spec.full_name}/get_parameters", request).values
    except KosmosAgentError:
        return {}
    return {name: parameter_value_to_python(value) for name, value in zip(names, values, strict=False)}


def _ask(session: Session, kind: Any, name: str, request: Any) -> Any:
    timeout_s = graph_checks.ANSWER_TIMEOUT_S
    return session.call(kind, name, request, timeout_s, server_timeout_s=timeout_s)


def _settings(values: dict[str, Any]) -> GroundingSettings:
    known = {item.name for item in described(GroundingSettings)}
    return GroundingSettings.checked(
        {name: tuple(value) if isinstance(value, list) else value for name, value in values.items() if name in known}
    )
