"""Scripted cameras and arms behind the skills' protocols, and a small picture of the simulated table."""

import threading
import time

import numpy as np

from kosmos_agent.errors import NoImageError
from kosmos_agent.robot.planner import MotionOutcome
from kosmos_agent.skills import Shot

NS = 1_000_000_000


def blank(shade=128):
    return np.full((48, 64, 3), shade, np.uint8)


class ScriptedCamera:
    """Gives the shots of a list in turn, then the last one for ever; an exception in it is raised."""

    live = True

    def __init__(self, *script, name="the scripted camera"):
        self.script, self.name = list(script), name
        self.asked, self.closed = [], False
        self._lock = threading.Lock()

    def newest(self, after_ns=None, timeout_s=5.0):
        with self._lock:
            self.asked.append((after_ns, timeout_s))
            shot = self.script[0] if len(self.script) == 1 else self.script.pop(0)
        if isinstance(shot, Exception):
            raise shot
        return shot

    def close(self):
        self.closed = True


class MissingCamera:
    """Waits as long as it may for a picture that never comes."""

    live, name = True, "the dead camera"

    def newest(self, after_ns=None, timeout_s=5.0):
        time.sleep(timeout_s)
        raise NoImageError("no picture has come")

    def close(self):
        pass


class Photo(ScriptedCamera):
    """The same picture for ever."""

    live = False

    def __init__(self, rgb, stamp_ns=7):
        super().__init__(Shot(rgb, stamp_ns, 86_400.0))


class StillArm:
    """Counts what it is asked for. `during` runs while it moves."""

    frame_id = "base"

    def __init__(self, during=lambda cancel: None, succeeded=True):
        self.picked, self.placed = [], []
        self._during, self._succeeded = during, succeeded

    def pick(self, target, *, on_phase=None, cancel=None):
        self.picked.append(target)
        return self._moved(cancel, "lift")

    def place(self, goal, *, on_phase=None, cancel=None):
        self.placed.append(goal)
        return self._moved(cancel, "retreat")

    def _moved(self, cancel, phase):
        self._during(cancel)
        stopped = cancel is not None and cancel.cancelled
        succeeded = self._succeeded and not stopped
        reason = "done" if succeeded else "cancelled" if stopped else "nothing_held"
        return MotionOutcome(succeeded=succeeded, phase=phase, reason=reason, message=reason, duration_s=1.0)
