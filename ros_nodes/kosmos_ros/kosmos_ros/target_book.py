"""The targets that the grounding node has told of, by id: what they are called and where each was last."""

from __future__ import annotations

import threading
from collections import OrderedDict

from kosmos_interfaces.msg import Grounding, TargetEvent
from kosmos_interfaces.msg import Target3D as TargetMessage
from pydantic import ValidationError

from kosmos_agent.errors import InvalidArgumentError, UnknownTargetError
from kosmos_agent.markup import escape_user_text
from kosmos_agent.results import Target3D
from kosmos_ros.settings import MAX_TEXT_CHARACTERS
from kosmos_ros.targets import LocatedTarget, target_from_message

MAX_TARGETS = 256
NAMES_IN_MESSAGES = 12


class TargetBook:
    """Thread-safe. Of more than MAX_TARGETS, those heard of longest ago are forgotten."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._targets: OrderedDict[str, Target3D | None] = OrderedDict()

    def hear(self, event: TargetEvent) -> None:
        """InvalidArgumentError, InvalidBoxError or InvalidPhraseError for what no grounding node of ours sends."""
        if event.kind == TargetEvent.LOST:
            self._write(_checked_id(event.target.id), None)
            return
        if event.kind != TargetEvent.APPEARED:
            valid = f"{TargetEvent.APPEARED} (appeared), {TargetEvent.LOST} (lost)"
            raise InvalidArgumentError(f"kind {event.kind} of a target event; valid: {valid}")
        self._take(event.target)

    def hear_answer(self, answer: Grounding) -> None:
        """Errors as of `hear`; what came before the wrong one is taken in."""
        for target in answer.targets[:MAX_TARGETS]:
            self._take(target)

    def saw(self, located: LocatedTarget) -> None:
        """Where a target is now; one without an id is passed over. Errors as of `hear`."""
        if located.track_id:
            escape_user_text(located.target.phrase)
            self._write(_checked_id(located.track_id), located.target)

    def find(self, target_id: str) -> Target3D:
        """UnknownTargetError: it was lost, or never heard of."""
        with self._lock:
            if target_id not in self._targets:
                known = [name for name, target in self._targets.items() if target is not None][-NAMES_IN_MESSAGES:]
                raise UnknownTargetError(f"no target has the id {target_id!r}; known: {', '.join(known) or 'none yet'}")
            target = self._targets[target_id]
        if target is None:
            raise UnknownTargetError(f"target {target_id!r} was lost; ask for it by a phrase")
        return target

    def clear(self) -> None:
        with self._lock:
            self._targets.clear()

    def _take(self, message: TargetMessage) -> None:
        try:
            self.saw(target_from_message(message))
        except ValidationError as error:
            raise InvalidArgumentError(f"target {message.id[:24]!r}: {error.errors()[0]['msg']}") from error

    def _write(self, target_id: str, target: Target3D | None) -> None:
        with self._lock:
            self._targets[target_id] = target
            self._targets.move_to_end(target_id)
            while len(self._targets) > MAX_TARGETS:
                self._targets.popitem(last=False)


def _checked_id(target_id: str) -> str:
    if not target_id or len(target_id) > MAX_TEXT_CHARACTERS or not target_id.isprintable():
        raise InvalidArgumentError(
            f"id {target_id[:24]!r} of a target; valid: 1 to {MAX_TEXT_CHARACTERS} printable characters"
        )
    return target_id
