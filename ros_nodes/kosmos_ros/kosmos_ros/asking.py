"""Goals sent from a plain program: find something, pick something up; answered with the types that every face gives."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from kosmos_interfaces.action import Ground, Pick

from kosmos_agent.errors import BusyError, GoalTimeoutError, KosmosAgentError
from kosmos_agent.results import Grounding
from kosmos_ros import stamps
from kosmos_ros.answers import grounding_from_message
from kosmos_ros.errors import NoServerError
from kosmos_ros.goal_calls import Event, GoalCall
from kosmos_ros.reasons import error_from_reason
from kosmos_ros.session import SERVER_TIMEOUT_S, Session, Unless, never
from kosmos_ros.targets import LocatedTarget, target_from_message

GROUND, PICK = "/grounding/ground", "/pick/pick"
_MARGIN_S = 10.0
"""The server ends a goal at its time limit; whoever asked waits a little longer for it to say so."""
_CANCEL_S = 5.0
_POLL_S = 0.05
FIND_TRIES = 3
"""A server that has not discovered its newest client yet answers into the void. To ask twice where a thing is does no
harm; to pick twice might."""

OnFeedback = Callable[[Any], object]


@dataclass(frozen=True)
class Found:
    """target_error: why there is no target although one was asked for. image_age_s: of the picture, when answered."""

    answer: Grounding
    targets: tuple[LocatedTarget, ...]
    target_error: KosmosAgentError | None
    image_age_s: float


def find(
    session: Session,
    phrase: str,
    *,
    max_results: int = 0,
    want_3d: bool = True,
    target_frame: str = "",
    timeout_s: float = 30.0,
    action: str = GROUND,
) -> Found:
    """max_results 0, target_frame "": as the node's parameters say.

    RemoteError: the node's reason why it has no answer. NoServerError, BusyError, GoalTimeoutError: see `ask`.
    """
    goal = Ground.Goal(
        task=Ground.Goal.FIND,
        phrase=phrase,
        max_results=max_results,
        want_3d=want_3d,
        target_frame=target_frame,
        timeout=stamps.duration_message(timeout_s),
    )
    result = ask(session, Ground, action, goal, timeout_s, tries=FIND_TRIES)
    if (error := error_from_reason(result.reason)) is not None:
        raise error
    return Found(
        grounding_from_message(result.grounding),
        tuple(target_from_message(target) for target in result.grounding.targets),
        error_from_reason(result.grounding.target_reason),
        stamps.duration_s(result.grounding.image_age),
    )


def pick(
    session: Session,
    phrase: str,
    *,
    target_id: str = "",
    timeout_s: float = 120.0,
    on_feedback: OnFeedback | None = None,
    unless: Unless = never,
    action: str = PICK,
) -> Pick.Result:
    """Whatever came of it: `picks.report_from_result` reads it. Errors as of `ask`."""
    goal = Pick.Goal(phrase=phrase, target_id=target_id, timeout=stamps.duration_message(timeout_s))
    return ask(session, Pick, action, goal, timeout_s, on_feedback=on_feedback, unless=unless)


def ask(
    session: Session,
    kind: Any,
    action: str,
    goal: Any,
    timeout_s: float,
    *,
    on_feedback: OnFeedback | None = None,
    unless: Unless = never,
    tries: int = 1,
) -> Any:
    """The result of a goal, however it ended. Whatever ends the wait early, Ctrl-C too, cancels the goal.

    tries: how often it is sent, where no word on it comes within SERVER_TIMEOUT_S.

    NoServerError: nobody serves the action; BusyError: the goal was rejected; GoalTimeoutError: no result in time;
    ProcessEndedError: see `Session.check`. What the server says in its last moments may be overtaken by the result.
    """
    caller = session.caller(kind, action)
    if not session.until(caller.ready, SERVER_TIMEOUT_S, unless):
        raise NoServerError(f"nobody serves {action} after {SERVER_TIMEOUT_S:g} s; is its node running?")
    call = caller.send(goal)
    try:
        while (event := _heard(session, call, time.monotonic() + SERVER_TIMEOUT_S, unless)) is None:
            tries -= 1
            if tries < 1:
                raise GoalTimeoutError(f"no answer from {action} within {SERVER_TIMEOUT_S:g} s")
            call.drop()
            call = caller.send(goal)
        deadline_s = time.monotonic() + timeout_s + _MARGIN_S
        while event.kind in ("accepted", "feedback"):
            if event.kind == "feedback" and on_feedback is not None:
                on_feedback(event.value)
            event = _next(session, call, deadline_s, action, unless)
    except BaseException:
        _stop(call)
        raise
    if event.kind == "rejected":
        raise BusyError(f"{action} rejected the goal: its node works on another one, or is not active")
    if event.kind == "forgotten":
        raise NoServerError(f"the node that serves {action} was started again and no longer knows the goal")
    return event.value


def _stop(call: GoalCall) -> None:
    """Bounded: until the server says that it ended, for what is only accepted later must be stopped as well."""
    call.drop()
    deadline_s = time.monotonic() + _CANCEL_S
    while time.monotonic() < deadline_s:
        event = call.next(_POLL_S)
        if event is not None and event.kind in ("rejected", "ended", "forgotten"):
            return


def _next(session: Session, call: GoalCall, deadline_s: float, action: str, unless: Unless) -> Event:
    """GoalTimeoutError; ProcessEndedError as of `Session.check`."""
    event = _heard(session, call, deadline_s, unless)
    if event is None:
        raise GoalTimeoutError(f"no answer from {action} in time")
    return event


def _heard(session: Session, call: GoalCall, deadline_s: float, unless: Unless) -> Event | None:
    """None where nothing came in time; ProcessEndedError as of `Session.check`."""
    while (event := call.next(_POLL_S)) is None:
        session.check(unless)
        if time.monotonic() > deadline_s:
            return None
    return event
