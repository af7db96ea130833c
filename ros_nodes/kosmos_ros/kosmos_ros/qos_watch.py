"""Compares what the node subscribes to with the publishers that are there, and says in words what does not match."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rclpy.node import Node
from rclpy.subscription import Subscription

from kosmos_ros import environment, qos


class QosWatch:
    """on_change: told of each sentence when it first holds."""

    def __init__(self, node: Node, subscriptions: Sequence[Subscription], on_change: Callable[[str], None]) -> None:
        self._node, self._subscriptions, self._on_change = node, tuple(subscriptions), on_change
        self._known: set[str] = set()

    def look(self) -> tuple[str, ...]:
        """What holds now; empty: all match."""
        missing = environment.missing_profile()
        found = [missing] if missing else []
        for subscription in self._subscriptions:
            found += self._explained(subscription)
        for sentence in found:
            if sentence not in self._known:
                self._on_change(sentence)
        self._known = set(found)
        return tuple(found)

    def _explained(self, subscription: Subscription) -> list[str]:
        topic = subscription.topic_name
        publishers = self._node.get_publishers_info_by_topic(topic)
        ours = [
            info
            for info in self._node.get_subscriptions_info_by_topic(topic)
            if info.node_name == self._node.get_name() and info.node_namespace == self._node.get_namespace()
        ]
        if not ours:
            return []
        return qos.explain(
            topic, ours[0].topic_type, subscription.qos_profile, publishers, type_hash=str(ours[0].topic_type_hash)
        )
