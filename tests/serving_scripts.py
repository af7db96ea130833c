"""A model by script, on a clock that it moves itself, so that nothing here waits or depends on the machine."""

from dataclasses import dataclass, field

import numpy as np

from kosmos_agent.errors import CancelledError
from kosmos_agent.results import Frame, GroundedText, Grounding
from kosmos_agent.serving.jobs import Picture
from kosmos_agent.serving.worker import Worker


class Clock:
    def __init__(self):
        self.now_s = 0.0

    def __call__(self):
        return self.now_s


@dataclass
class ScriptedView:
    number: int
    frame: Frame


@dataclass
class ScriptedLooker:
    """Reads a picture in `picture_s` and finds a phrase in `phrase_s`; a text has `tokens` of as long each.

    The value of a picture's first pixel is its number. Pictures of `broken` numbers cannot be read.
    """

    clock: Clock
    picture_s: float = 0.02
    phrase_s: float = 0.01
    tokens: int = 10
    broken: tuple = ()
    reads: list = field(default_factory=list)
    finds: list = field(default_factory=list)
    before_token: object = None

    def views(self, pictures):
        numbers = [int(picture.rgb[0, 0, 0]) for picture in pictures]
        self.reads.append(numbers)
        if set(numbers) & set(self.broken):
            raise RuntimeError("a picture that no model can bear")
        self.clock.now_s += self.picture_s * len(pictures)
        return [
            ScriptedView(number, Frame(width=4, height=4, stamp_ns=picture.stamp_ns))
            for number, picture in zip(numbers, pictures, strict=True)
        ]

    def find(self, asked):
        self.finds.append([(view.number, list(phrases)) for view, phrases, _ in asked])
        self.clock.now_s += self.phrase_s * sum(len(phrases) for _, phrases, _ in asked)
        return [[grounding(phrase, view) for phrase in phrases] for view, phrases, _ in asked]

    def write(self, view, ask, should_stop):
        for token in range(self.tokens):
            if self.before_token is not None:
                self.before_token(token)
            if should_stop():
                raise CancelledError(f"stopped after {token} tokens, as asked")
            self.clock.now_s += self.phrase_s
        return [GroundedText(text=f"{ask.task} {view.number}", entities=(), frame=view.frame)]


def grounding(phrase, view):
    return Grounding(
        phrase=phrase,
        status="not_found",
        candidates=(),
        presence=view.number / 255,
        frame=view.frame,
        model="scripted",
        timings_ms={},
    )


def picture(number, taken_s=0.0, **given):
    return Picture(np.full((4, 4, 3), number, dtype=np.uint8), taken_s, **given)


def worker(limits=None, **script):
    """A worker that is stepped by hand, with its looker and its clock."""
    clock = Clock()
    looker = ScriptedLooker(clock, **script)
    return Worker(looker, limits, now_s=clock), looker, clock


def run_out(made, passes=1000):
    """Passes until nothing is wanted; how many."""
    for count in range(passes):
        if not made.step():
            return count
    raise AssertionError(f"still at work after {passes} passes")
