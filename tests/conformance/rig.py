"""What stands behind every face: one camera with a fixed picture, and eyes that are scripted or the shipped model's."""

import threading
from pathlib import Path

import numpy as np
from cases import SLOW
from PIL import Image

from kosmos_agent.errors import NoImageError
from kosmos_agent.markup import escape_user_text
from kosmos_agent.results import Box, Candidate, Clause, Frame, Grounding
from kosmos_agent.skills import Limits, Shot, Skills

PICTURE = Path(__file__).parents[1] / "data" / "fixed" / "attribute.jpg"
FRAME_ID = "camera_optical_frame"
WAIT_S = 60.0
"""Nothing here takes as long: what waits so long has failed."""
TIME_LIMIT_S, TOO_LONG_S = 0.3, 1.0
STALE_S = 20.0

LEFT, RIGHT = Box(x1=0.125, y1=0.3, x2=0.21, y2=0.47), Box(x1=0.6, y1=1 / 3, x2=0.69, y2=0.5)
ANSWERS = {
    "the red cup": ("found", ((LEFT, 0.93),), 0.97),
    "the cup": ("ambiguous", ((RIGHT, 0.48), (LEFT, 0.44)), 0.98),
    "the shadow": ("cannot_tell", ((RIGHT, 0.31),), 0.4),
    "the purple dragon": ("not_found", (), 0.02),
    SLOW: ("found", ((LEFT, 0.9),), 0.9),
}
QUESTION = 'Which one is "the cup": the left one or the right one?'


class Rig:
    """begin(case) sets everything behind the faces to the case's beginning."""

    def __init__(self, shipped):
        self.rgb = np.asarray(Image.open(PICTURE).convert("RGB"))
        self.shipped, self.stamp_ns = shipped, 1_000_000_000_000
        self.grounder = SwitchedGrounder(self)

    def begin(self, case):
        self.case = case
        self.stamp_ns += 1_000_000_000
        self.began, self.release = threading.Event(), threading.Event()

    @property
    def limits(self):
        timed = {"answer_timeout_s": TIME_LIMIT_S} if self.case.stop == "timeout" else {}
        return Limits(look_timeout_s=0.2, **timed)

    def skills(self):
        return Skills(ScriptedCamera(self), self.grounder, limits=self.limits)


class ScriptedCamera:
    name, live = "the scripted camera", True

    def __init__(self, rig):
        self._rig = rig

    def newest(self, after_ns=None, timeout_s=5.0):
        if self._rig.case.picture == "none":
            raise NoImageError("no picture has come")
        age_s = STALE_S if self._rig.case.picture == "stale" else 0.01
        return Shot(self._rig.rgb, self._rig.stamp_ns, age_s, FRAME_ID)

    def close(self):
        pass


class SwitchedGrounder:
    """Keeps the `Grounder` contract: the shipped model for the cases that ask for it, else a script."""

    name, warnings = "scripted", ()

    def __init__(self, rig):
        self._rig = rig

    def view(self, image, *, stamp_ns=None, frame_id=FRAME_ID):
        if self._rig.case.shipped:
            return self._rig.shipped.view(image, stamp_ns=stamp_ns, frame_id=frame_id)
        height, width = np.asarray(image).shape[:2]
        return ScriptedView(self._rig, Frame(width=width, height=height, stamp_ns=stamp_ns, frame_id=frame_id))


class ScriptedView:
    def __init__(self, rig, frame):
        self._rig, self.frame = rig, frame

    def find(self, phrase, **_):
        escape_user_text(phrase)
        if phrase == SLOW:
            self._rig.began.set()
            self._rig.release.wait(TOO_LONG_S if self._rig.case.stop == "timeout" else WAIT_S)
        status, boxes, presence = ANSWERS[phrase]
        return Grounding(
            phrase=phrase,
            status=status,
            candidates=tuple(Candidate(box=box, probability=probability) for box, probability in boxes),
            presence=presence,
            probability_kind="calibrated",
            clauses=() if phrase != "the shadow" else (_clause(),),
            question=QUESTION if status == "ambiguous" else None,
            frame=self.frame,
            model="scripted",
            timings_ms={"vision": 1.5, "decode": 2.25},
        )


def _clause():
    return Clause(
        words="left of the lamp",
        relation="left of",
        anchor="the lamp",
        anchor_box=RIGHT,
        state="unsure",
        geometry="picture",
    )
