"""Quality of service by role, and in words why a subscription hears nothing from the publishers that are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from rclpy.duration import Duration
from rclpy.qos import DurabilityPolicy, HistoryPolicy, LivelinessPolicy, QoSProfile, ReliabilityPolicy
from rclpy.topic_endpoint_info import TopicEndpointInfo

Role = Literal["sensor_in", "sensor_out", "output", "latched", "tf", "tf_static", "clock"]


@dataclass(frozen=True)
class _Choice:
    reliability: ReliabilityPolicy
    durability: DurabilityPolicy
    depth: int


_RELIABLE, _BEST_EFFORT = ReliabilityPolicy.RELIABLE, ReliabilityPolicy.BEST_EFFORT
_VOLATILE, _TRANSIENT_LOCAL = DurabilityPolicy.VOLATILE, DurabilityPolicy.TRANSIENT_LOCAL

ROLES: dict[Role, _Choice] = {
    # REP 2003: who reads a sensor takes best effort, which matches every publisher. With depth 1 a reader that is kept
    # from its turn for one period loses frames (`make bench-ros`); that only the newest counts, `FrameStore` sees to.
    "sensor_in": _Choice(_BEST_EFFORT, _VOLATILE, 10),
    # REP 2003: who publishes a sensor is reliable, so that a recorder may ask for every frame.
    "sensor_out": _Choice(_RELIABLE, _VOLATILE, 5),
    "output": _Choice(_RELIABLE, _VOLATILE, 10),
    "latched": _Choice(_RELIABLE, _TRANSIENT_LOCAL, 1),
    "tf": _Choice(_RELIABLE, _VOLATILE, 100),
    "tf_static": _Choice(_RELIABLE, _TRANSIENT_LOCAL, 100),
    "clock": _Choice(_BEST_EFFORT, _VOLATILE, 1),
}

_RELIABILITY_RANK = {_BEST_EFFORT: 0, _RELIABLE: 1}
_DURABILITY_RANK = {_VOLATILE: 0, _TRANSIENT_LOCAL: 1}
_LIVELINESS_RANK = {LivelinessPolicy.AUTOMATIC: 0, LivelinessPolicy.MANUAL_BY_TOPIC: 1}
_UNSET_NS = (0, 2**63 - 1)
"""Both 0 and "infinite" mean that no time was promised or asked for."""


def profile(role: Role) -> QoSProfile:
    """A new profile; change it freely (`qos_overrides`)."""
    choice = ROLES[role]
    return QoSProfile(
        history=HistoryPolicy.KEEP_LAST,
        depth=choice.depth,
        reliability=choice.reliability,
        durability=choice.durability,
    )


def incompatibilities(requested: QoSProfile, offered: QoSProfile) -> list[str]:
    """What a subscription asks for and a publisher does not offer, in words; empty: they match.

    DDS's rule: the offer must be at least as strong as the request. A policy that is unknown or left to the system
    is not judged.
    """
    found = []
    if _weaker(offered.reliability, requested.reliability, _RELIABILITY_RANK):
        found.append("it sends best effort and we ask for reliable: make it reliable, or ask for best effort")
    if _weaker(offered.durability, requested.durability, _DURABILITY_RANK):
        found.append("it is volatile and we ask for transient local: make it transient local, or ask for volatile")
    if _weaker(offered.liveliness, requested.liveliness, _LIVELINESS_RANK):
        found.append("its liveliness is automatic and we ask for manual by topic: ask for automatic")
    found += _slower("deadline", offered.deadline, requested.deadline)
    found += _slower("liveliness lease", offered.liveliness_lease_duration, requested.liveliness_lease_duration)
    return found


def explain(
    topic: str, type_name: str, requested: QoSProfile, publishers: Sequence[TopicEndpointInfo], *, type_hash: str = ""
) -> list[str]:
    """One sentence for each thing that keeps messages of `topic` from us; empty: all publishers match.

    publishers: as `Node.get_publishers_info_by_topic` gives them. type_hash: ours, `RIHS01_...`; empty: not compared.
    """
    if not publishers:
        return [f"{topic}: no publisher is there; start one, or remap the topic"]
    found = []
    for endpoint in publishers:
        name = f"{endpoint.node_namespace.rstrip('/')}/{endpoint.node_name}"
        if endpoint.topic_type != type_name:
            found.append(f"{topic}: {name} publishes {endpoint.topic_type}, we expect {type_name}")
            continue
        theirs = str(endpoint.topic_type_hash)
        if type_hash and theirs.startswith("RIHS01_") and theirs != type_hash:
            found.append(f"{topic}: {name} publishes another version of {type_name} (type hash {theirs[:15]}...)")
        found += [f"{topic}: {name}: {reason}" for reason in incompatibilities(requested, endpoint.qos_profile)]
    return found


def _weaker(offered: Any, requested: Any, rank: Mapping[Any, int]) -> bool:
    return offered in rank and requested in rank and rank[offered] < rank[requested]


def _slower(name: str, offered: Duration, requested: Duration) -> list[str]:
    if requested.nanoseconds in _UNSET_NS:
        return []
    asked_ms = requested.nanoseconds / 1e6
    if offered.nanoseconds in _UNSET_NS:
        return [f"it promises no {name} and we ask for {asked_ms:.0f} ms: give it one, or ask for none"]
    if offered.nanoseconds > requested.nanoseconds:
        return [
            f"its {name} is {offered.nanoseconds / 1e6:.0f} ms and we ask for {asked_ms:.0f} ms: ask for less often"
        ]
    return []
