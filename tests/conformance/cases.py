"""The cases that every face must answer alike, and what an answer or a failure looks like whatever the face."""

from dataclasses import dataclass, field
from typing import Any, Literal

SLOW = "the hidden cup"
"""The scripted eyes take as long to find it as they are told to."""
SHIPPED = ("the orange plate", "the pot right of the orange plate")
"""Asked of the shipped model; whatever it answers, every face must say so."""


@dataclass(frozen=True)
class Case:
    """status: of the answer that is right, "error" with `code` where there is none; "" where the shipped model decides.

    picture: what the camera has. stop: what ends the call before its answer.
    """

    name: str
    phrase: str
    status: str = ""
    code: str = ""
    picture: Literal["fresh", "none", "stale"] = "fresh"
    stop: Literal["", "cancel", "timeout"] = ""
    shipped: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a face came back with. boxes: shares of the picture. image: stamp_ns, width, height, frame_id."""

    status: str
    code: str = ""
    boxes: tuple[tuple[float, ...], ...] = ()
    probabilities: tuple[float, ...] = ()
    presence: float = 0.0
    question: str | None = None
    clauses: tuple[tuple[str, str], ...] = ()
    timings_ms: dict[str, float] = field(default_factory=dict)
    image: tuple[Any, ...] = ()
    age_s: float = 0.0

    @classmethod
    def failed(cls, code):
        return cls("error", code)

    @classmethod
    def answered(cls, answer, timings_ms, image, age_s):
        """answer: a `Grounding` as JSON."""
        return cls(
            status=answer["status"],
            boxes=tuple(tuple(item["box"][name] for name in ("x1", "y1", "x2", "y2")) for item in answer["candidates"]),
            probabilities=tuple(item["probability"] for item in answer["candidates"]),
            presence=answer["presence"],
            question=answer["question"],
            clauses=tuple((clause["words"], clause["state"]) for clause in answer["clauses"]),
            timings_ms=dict(timings_ms),
            image=image,
            age_s=age_s,
        )

    @classmethod
    def reported(cls, report):
        """report: of the skill `find_object` as JSON, the artifact of the faces for agents."""
        assert report["skill"] == "find_object"
        assert report["status"] == report["answer"]["status"]
        note = report["image"]
        image = tuple(note[name] for name in ("stamp_ns", "width", "height", "frame_id"))
        return cls.answered(report["answer"], report["timings_ms"], image, note["age_s"])


CASES = (
    Case("found", "the red cup", "found"),
    Case("not found", "the purple dragon", "not_found"),
    Case("ambiguous", "the cup", "ambiguous"),
    Case("cannot tell", "the shadow", "cannot_tell"),
    Case("no frame", "the red cup", "error", "no_image", picture="none"),
    Case("stale frame", "the red cup", "error", "stale_image", picture="stale"),
    Case("bad argument: no words", "", "error", "invalid_phrase"),
    Case("bad argument: too long", "the cup " * 64, "error", "invalid_phrase"),
    Case("bad argument: a control character", "the\x01cup", "error", "invalid_phrase"),
    Case("cancelled", SLOW, "error", "cancelled", stop="cancel"),
    Case("timed out", SLOW, "error", "timeout", stop="timeout"),
    Case("shipped model: one thing", SHIPPED[0], shipped=True),
    Case("shipped model: a relation", SHIPPED[1], shipped=True),
)
