"""The course of a pick as it is heard: the feedback of the action, and what the grounding node answers meanwhile."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Self, cast

from kosmos_interfaces.action import Pick
from kosmos_interfaces.msg import Grounding
from kosmos_ros import qos
from kosmos_ros.answers import grounding_from_message
from kosmos_ros.graph import NodeSpec
from kosmos_ros.picks import PHASES
from kosmos_ros.session import Session

from kosmos_agent.cli._demo import Step, step_name
from kosmos_agent.cli._robot import answer_words
from kosmos_agent.cli._ros_recorder import Recorder
from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.robot.planner import PICK_PHASES, Phase

_MATCH_S = 5.0
PHASE_NAMES = {code: name for name, code in PHASES.items()}


class Course:
    """Steps as `_demo.Demo` tells them, by this process's clock, from one feedback to the next.

    tell: called with each step as it ends; the last one when the course is left.
    """

    def __init__(self, session: Session, grounding: NodeSpec, recorder: Recorder, tell: Callable[[Step], None]) -> None:
        self._session, self._topic = session, grounding.resolved("~/answers")
        self._recorder, self._tell = recorder, tell
        self._lock = threading.Lock()
        self._name, self._start_s, self._phases = "", 0.0, list[str]()
        self._ended: deque[Step] = deque()
        self._answers: deque[Grounding] = deque()

    def __enter__(self) -> Self:
        self._subscription = self._session.node.create_subscription(
            Grounding, self._topic, self._answered, qos.profile("output"), callback_group=self._session.group
        )
        # An answer that is sent before we are known to its sender does not come; without it a step has no words.
        self._session.until(lambda: self._subscription.get_publisher_count() > 0, _MATCH_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._session.node.destroy_subscription(self._subscription)
        with self._lock:
            self._end()
            while self._ended:
                self._tell(self._ended.popleft())

    def hear(self, feedback: Pick.Feedback) -> None:
        """For the action's client."""
        phase = PHASE_NAMES.get(feedback.phase, "")
        moving = phase in PICK_PHASES
        if moving:
            self._recorder.begin(cast(Phase, phase))
        with self._lock:
            name = step_name("pick" if moving else phase, feedback.look)
            if name != self._name:
                self._end()
                self._name, self._start_s = name, time.perf_counter()
            if moving:
                self._phases.append(phase)

    def _answered(self, message: Grounding) -> None:
        with self._lock:
            self._answers.append(message)
            self._tell_ended()

    def _end(self) -> None:
        if self._name:
            elapsed_ms = 1000 * (time.perf_counter() - self._start_s)
            self._ended.append(Step(self._name, elapsed_ms, ", ".join(self._phases)))
            self._tell_ended()
        self._name = ""

    def _tell_ended(self) -> None:
        """In order: the words of a look's answer may come a little later than the end of its step."""
        while self._ended:
            step = self._ended[0]
            if step.name.startswith("ground"):
                if not self._answers:
                    return
                step = replace(step, detail=_words(self._answers.popleft()))
            self._ended.popleft()
            self._tell(step)


def _words(message: Grounding) -> str:
    try:
        return answer_words(grounding_from_message(message))
    except KosmosAgentError as error:
        return f"{error.code}: {error}"
