"""Brings a lifecycle node of another process up to `active`."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from lifecycle_msgs.msg import State, Transition
from lifecycle_msgs.srv import ChangeState, GetState
from rclpy.task import Future

from kosmos_agent.errors import GoalTimeoutError
from kosmos_ros.errors import LifecycleError, NoServerError
from kosmos_ros.session import SERVER_TIMEOUT_S, Session, Unless, never

CONFIGURE_TIMEOUT_S = 300.0
"""A large model is read from a slow disk; our own takes seconds."""
_POLL_S = 0.1
_ANSWER_S = 2.0
"""A node that is not in the middle of a transition answers at once."""
_NEXT = {
    State.PRIMARY_STATE_UNCONFIGURED: (Transition.TRANSITION_CONFIGURE, "configure"),
    State.PRIMARY_STATE_INACTIVE: (Transition.TRANSITION_ACTIVATE, "activate"),
}
_UNDER_WAY = (State.TRANSITION_STATE_CONFIGURING, State.TRANSITION_STATE_ACTIVATING)


def state_of(session: Session, node: str, *, server_timeout_s: float = SERVER_TIMEOUT_S, unless: Unless = never) -> str:
    """Its label: unconfigured, inactive, active ...; node: its full name. NoServerError: it is no lifecycle node."""
    return _state(session, node, server_timeout_s, unless).label


def bring_up(
    session: Session,
    node: str,
    timeout_s: float = CONFIGURE_TIMEOUT_S,
    *,
    server_timeout_s: float = SERVER_TIMEOUT_S,
    unless: Unless = never,
) -> None:
    """Configures and activates it, or waits while it does so by itself. node: its full name.

    server_timeout_s: for its process to appear. NoServerError: it did not; LifecycleError: it refused, or took longer
    than `timeout_s`; ProcessEndedError: see `Session.until`.
    """
    deadline_s = time.monotonic() + timeout_s
    state = _state(session, node, server_timeout_s, unless)
    while state.id != State.PRIMARY_STATE_ACTIVE:
        left_s = deadline_s - time.monotonic()
        if left_s <= 0:
            raise LifecycleError(f"{node} is still {state.label} after {timeout_s:g} s")
        if state.id in _NEXT:
            _change(session, node, state, left_s, unless)
        elif state.id in _UNDER_WAY:
            time.sleep(_POLL_S)
        else:
            raise LifecycleError(f"{node} is {state.label}: only a new process of it can become active")
        state = _state(session, node, server_timeout_s, unless)


def _state(session: Session, node: str, server_timeout_s: float, unless: Unless) -> State:
    """Asked again and again: a request may go to a process that has just died, whose service is still in the graph."""
    deadline_s = time.monotonic() + server_timeout_s
    while True:
        left_s = max(0.0, deadline_s - time.monotonic())
        try:
            response = session.call(
                GetState,
                f"{node}/get_state",
                GetState.Request(),
                min(_ANSWER_S, left_s),
                server_timeout_s=left_s,
                unless=unless,
            )
        except GoalTimeoutError:
            if time.monotonic() >= deadline_s:
                raise
        else:
            return response.current_state


def _change(session: Session, node: str, state: State, timeout_s: float, unless: Unless) -> None:
    transition, verb = _NEXT[state.id]
    request = ChangeState.Request(transition=Transition(id=transition))
    client = session.node.create_client(ChangeState, f"{node}/change_state", callback_group=session.group)
    try:
        if not session.until(client.service_is_ready, SERVER_TIMEOUT_S, unless):
            raise NoServerError(f"nobody serves {node}/change_state; is it a lifecycle node?")
        response = _changed(session, node, state, lambda: client.call_async(request), timeout_s, unless)
    finally:
        session.node.destroy_client(client)
    # It may have been on its way by itself when it was asked.
    if not response.success and _state(session, node, SERVER_TIMEOUT_S, unless).id == state.id:
        raise LifecycleError(f"{node} would not {verb}: it stays {state.label}, and its own output says why")


def _changed(
    session: Session, node: str, state: State, ask: Callable[[], Future], timeout_s: float, unless: Unless
) -> Any:
    """The answer of whichever request was heard. While a transition runs, the node answers nothing else."""
    deadline_s = time.monotonic() + timeout_s
    requests = [ask()]
    while not session.until(lambda: any(request.done() for request in requests), _ANSWER_S, unless):
        if time.monotonic() > deadline_s:
            raise LifecycleError(f"{node} is still not past {state.label} after {timeout_s:g} s")
        try:
            now = _state(session, node, _ANSWER_S, unless)
        except (GoalTimeoutError, NoServerError):
            continue
        if now.id == state.id and not any(request.done() for request in requests):
            requests.append(ask())
    return next(request.result() for request in requests if request.done())
