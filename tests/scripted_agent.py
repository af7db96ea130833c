"""A small agent that plays by the book, for tests of the suite of tasks."""

import re

import numpy as np
from kosmos_sim.tasks import Claim

_PICK = re.compile(r"(?:please )?(?:pick up|grab|pick) (?P<thing>.+?)(?: up)?")
_PLACE = re.compile(
    r"pick up (?P<thing>.+?) and put it (?P<where>on|in|left of|right of|in front of|behind|next to) (?P<at>.+)"
)


def read(command):
    """(thing, relation or None, anchor or None)."""
    both = _PLACE.fullmatch(command)
    if both:
        return both["thing"], both["where"], both["at"]
    return _PICK.fullmatch(command)["thing"], None, None


class ScriptedAgent:
    """Picks, tries again once when nothing is held, asks when told to, and claims what the reports say."""

    def __call__(self, command, skills, person):
        calls = []
        thing, where, anchor = read(command)
        status, words = self._pick(skills, person, thing, calls)
        if status == "picked" and where is not None:
            calls.append("place_object")
            report = skills.place_object(phrase=anchor, relation=where)
            status, words = report.status, report.message
        return Claim(CLAIMS.get(status, "failed"), tuple(calls), words)

    def _pick(self, skills, person, thing, calls):
        wanted = {"phrase": thing}
        for _ in range(3):
            calls.append("pick_object")
            report = skills.pick_object(**wanted)
            if report.status == "ambiguous":
                reply = person(report.question or "which one?")
                if reply is None:
                    break
                middles = [candidate.box.x1 + candidate.box.x2 for candidate in report.pick.answer.candidates]
                index = np.argmin(middles) if "left" in reply else np.argmax(middles)
                wanted = {"target_id": report.target_ids[int(index)]}
            elif report.status != "not_picked":
                break
        return report.status, report.pick.message


CLAIMS = {"picked": "done", "placed": "done", "ambiguous": "asked", "not_found": "not_found"}
