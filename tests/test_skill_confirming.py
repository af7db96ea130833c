"""What was let go of: the place must be filled, and the thing itself must not be seen to lie elsewhere."""

from dataclasses import dataclass, field
from types import SimpleNamespace

import numpy as np
import pytest
from test_pick_by_sight import target

from kosmos_agent.errors import NoDepthError, NoImageError
from kosmos_agent.robot.occupancy import FREE, TAKEN, Cylinder
from kosmos_agent.skills.confirming import Place, is_there
from kosmos_agent.skills.deadline import Deadline

BEFORE = SimpleNamespace(shot=SimpleNamespace(stamp_ns=1))
NOW = SimpleNamespace(shot=SimpleNamespace(stamp_ns=2))
HELD = target(0.0).model_copy(update={"phrase": "the red cup"})


class Filling(Place):
    """A place that is empty before and holds something now."""

    def states(self, seen):
        return np.full(12, FREE if seen is BEFORE else TAKEN)


@dataclass
class ScriptedEyes:
    """status, located, presence: what the thing's name comes to now. asked: the phrases looked for."""

    status: str
    located: object = None
    presence: float = 0.9
    error: Exception | None = None
    asked: list = field(default_factory=list)

    def look(self, deadline, after_ns):
        if self.error is not None:
            raise self.error
        return NOW

    def find(self, seen, phrase, deadline):
        self.asked.append(phrase)
        answer = SimpleNamespace(status=self.status, presence=self.presence, candidates=(object(),))
        answer.model_copy = lambda update: SimpleNamespace(**vars(answer) | update)
        return answer

    def locate(self, seen, answer):
        assert answer.status in ("found", "ambiguous"), "nothing else is located"
        return self.located if isinstance(self.located, tuple) else (self.located,)


def confirmed(eyes, held=HELD):
    x, y, _ = target(0.3).position_m
    return is_there(eyes, Filling(Cylinder((x, y), 0.03, 0.0, 0.1), BEFORE), held, Deadline(5.0))


@pytest.mark.parametrize(
    ("status", "located", "presence", "answer"),
    [
        ("found", target(0.3), 0.9, "yes"),
        ("found", target(0.32), 0.9, "yes"),
        ("found", target(0.6), 0.9, "no"),
        ("found", NoDepthError("a hole"), 0.9, "yes"),
        ("ambiguous", (target(0.6), target(0.32)), 0.9, "yes"),
        ("ambiguous", (target(0.6), target(0.7)), 0.9, "no"),
        ("ambiguous", (target(0.6), NoDepthError("a hole")), 0.9, "no"),
        ("ambiguous", (NoDepthError("a hole"), NoDepthError("a hole")), 0.9, "yes"),
        ("cannot_tell", target(0.6), 0.7, "no"),
        ("cannot_tell", target(0.6), 0.3, "yes"),
        ("cannot_tell", target(0.3), 0.7, "yes"),
        ("not_found", None, 0.1, "yes"),
    ],
)
def test_only_a_thing_that_is_likelier_elsewhere_than_not_contradicts(status, located, presence, answer):
    assert confirmed(ScriptedEyes(status, located, presence)) == answer


def test_a_name_that_others_take_on_is_not_looked_for():
    eyes = ScriptedEyes("found", target(0.6))
    assert confirmed(eyes, HELD.model_copy(update={"phrase": "the leftmost cup"})) == "yes"
    assert eyes.asked == []


def test_without_a_picture_nothing_is_confirmed():
    assert confirmed(ScriptedEyes("found", error=NoImageError("none"))) == "cannot_tell"
