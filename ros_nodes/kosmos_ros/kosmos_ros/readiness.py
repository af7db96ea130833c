"""Waits until the grounding node sees: an active node that has heard no picture, or no clock, refuses every goal."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray

from kosmos_agent.errors import NoImageError
from kosmos_ros import qos
from kosmos_ros.faults import bounded
from kosmos_ros.session import Session, Unless, never

AGE_KEY = "image age"
SIGHT_TIMEOUT_S = 60.0


def until_seeing(session: Session, node: str, timeout_s: float = SIGHT_TIMEOUT_S, *, unless: Unless = never) -> None:
    """node: the full name of a grounding node, whose /diagnostics say how old its newest picture is.

    NoImageError, with what it said last: it sees nothing in time. ProcessEndedError: see `Session.until`.
    """
    ages: list[str] = []
    words: list[str] = []

    def heard(message: DiagnosticArray) -> None:
        for status in message.status:
            if status.name.startswith(node):
                words[:] = [bounded(status.message)]
                ages[:] = [value.value for value in status.values if value.key == AGE_KEY]

    subscription = session.node.create_subscription(
        DiagnosticArray, "/diagnostics", heard, qos.profile("output"), callback_group=session.group
    )
    try:
        if not session.until(lambda: any(age[:1].isdigit() for age in ages), timeout_s, unless):
            said = f"it says: {words[0]}" if words else "it says nothing on /diagnostics"
            raise NoImageError(f"{node} has seen no picture after {timeout_s:g} s; {said}")
    finally:
        session.node.destroy_subscription(subscription)
