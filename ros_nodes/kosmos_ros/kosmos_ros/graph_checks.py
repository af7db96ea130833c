"""What is wrong with who is there: nodes, their life cycles, what they hear, whom they ask."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from rclpy.action.graph import get_action_client_names_and_types_by_node
from rclpy.node import Node
from rclpy.topic_endpoint_info import TopicEndpointInfo

from kosmos_agent.errors import KosmosAgentError
from kosmos_ros import qos
from kosmos_ros.faults import Fault, bounded
from kosmos_ros.graph import Graph, NodeSpec
from kosmos_ros.lifecycle import state_of
from kosmos_ros.session import Session

ANSWER_TIMEOUT_S = 3.0
# Each has a check of its own, or nobody need publish it.
_NOT_HEARD = ("/clock", "/parameter_events", "/tf", "/tf_static")
_UP = "kosmos-agent ros up"


def present(node: Node, graph: Graph) -> tuple[NodeSpec, ...]:
    """The nodes of the description that are in the graph."""
    there = node.get_node_names_and_namespaces()
    return tuple(spec for spec in graph.nodes if (spec.name, spec.namespace) in there)


def check_nodes(node: Node, graph: Graph) -> Iterator[Fault]:
    """Absent ones, and names that two nodes have."""
    there = Counter(f"{namespace.rstrip('/')}/{name}" for name, namespace in node.get_node_names_and_namespaces())
    if not present(node, graph):
        domain = node.context.get_domain_id()
        others = sorted(name for name in there if name != node.get_fully_qualified_name())
        yield Fault(
            "nothing_there",
            ", ".join(spec.full_name for spec in graph.nodes),
            f"none of our nodes is in domain {domain}; others there: {', '.join(others) or 'none'}",
            f"type {_UP}, or look into the domain and discovery range in which they run (--domain-id, "
            "ROS_AUTOMATIC_DISCOVERY_RANGE)",
        )
        return
    for spec in graph.nodes:
        if there[spec.full_name] == 0:
            yield Fault("node_absent", spec.full_name, "is not in the graph", f"type {_UP}, or start {spec.module}")
        elif there[spec.full_name] > 1:
            yield Fault(
                "name_twice",
                spec.full_name,
                f"{there[spec.full_name]} nodes have this name, and services answer at random",
                "end all but one of them, or use another domain",
            )


def check_lifecycles(session: Session, specs: Sequence[NodeSpec]) -> Iterator[Fault]:
    for spec in specs:
        if not spec.lifecycle:
            continue
        try:
            state = state_of(session, spec.full_name, server_timeout_s=ANSWER_TIMEOUT_S)
        except KosmosAgentError as error:
            yield Fault("no_answer", spec.full_name, str(error), "start the node again; its log says what it does")
            continue
        if state != "active":
            verb = "activate" if state == "inactive" else "configure"
            yield Fault(
                "not_active",
                spec.full_name,
                f"is {state}, so it answers nothing",
                f"type ros2 lifecycle set {spec.full_name} {verb}; {_UP} does all of it by itself",
            )


def check_hearing(node: Node, specs: Sequence[NodeSpec]) -> Iterator[Fault]:
    """Topics that our nodes subscribe to: without a publisher, or with one whose offer does not match."""
    for spec in specs:
        optional = {spec.resolved(name) for name in spec.optional}
        for topic, kinds in node.get_subscriber_names_and_types_by_node(spec.name, spec.namespace):
            if topic in _NOT_HEARD or "/_action/" in topic:
                continue
            publishers = node.get_publishers_info_by_topic(topic)
            if not publishers:
                if topic not in optional:
                    yield _unheard(node, spec, topic, kinds[0])
                continue
            ours = _endpoint(node.get_subscriptions_info_by_topic(topic), spec)
            if ours is None:
                continue
            wrong = qos.explain(
                topic, ours.topic_type, ours.qos_profile, publishers, type_hash=str(ours.topic_type_hash)
            )
            for sentence in wrong:
                yield Fault(
                    "mismatch", topic, f"{spec.name} hears nothing: {bounded(sentence)}", "change one of the two sides"
                )


def check_asking(node: Node, specs: Sequence[NodeSpec]) -> Iterator[Fault]:
    """Actions that our nodes would call, and nobody serves."""
    for spec in specs:
        for action, _ in get_action_client_names_and_types_by_node(node, spec.name, spec.namespace):
            if node.count_services(f"{action}/_action/send_goal") == 0:
                name = next((name for name in spec.hears if spec.resolved(name) == action), action)
                yield Fault(
                    "no_server",
                    action,
                    f"{spec.name} asks for it and nobody serves it",
                    f"start its server, or name another one: {_UP} --remap {spec.name}:{name}:=/OTHER",
                )


def unheard_outputs(node: Node, specs: Sequence[NodeSpec]) -> Iterator[Fault]:
    """Not a fault: what our nodes say and nobody hears."""
    for spec in specs:
        topics = node.get_publisher_names_and_types_by_node(spec.name, spec.namespace)
        mine = [topic for topic, _ in topics if topic.startswith(f"{spec.full_name}/") and "/_action/" not in topic]
        silent = [topic for topic in mine if node.count_subscribers(topic) == 0 and "transition_event" not in topic]
        if silent:
            yield Fault("no_subscriber", spec.full_name, f"nobody hears {', '.join(silent)}", "", level="note")


def _unheard(node: Node, spec: NodeSpec, topic: str, kind: str) -> Fault:
    name = next((name for name in spec.hears if spec.resolved(name) == topic), topic)
    others = [
        other
        for other, kinds in node.get_topic_names_and_types()
        if kind in kinds and other != topic and node.count_publishers(other) and not other.startswith(spec.full_name)
    ]
    there = f"; published as {kind}: {', '.join(sorted(others))}" if others else f"; nobody publishes {kind}"
    remedy = f"start its publisher, or name another topic: {_UP} --remap {name}:={min(others, default='/OTHER')}"
    return Fault("no_publisher", topic, f"{spec.name} subscribes and nobody publishes it{there}", remedy)


def _endpoint(endpoints: Sequence[TopicEndpointInfo], spec: NodeSpec) -> TopicEndpointInfo | None:
    for endpoint in endpoints:
        if (endpoint.node_name, endpoint.node_namespace) == (spec.name, spec.namespace):
            return endpoint
    return None
