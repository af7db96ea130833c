"""The answer types that every face returns. No torch here."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from kosmos_agent.errors import InvalidBoxError, NoTargetError

Status = Literal["found", "ambiguous", "not_found", "cannot_tell"]
Relation = Literal["left of", "right of", "behind", "in front of", "next to", "on", "nearest to"]
ClauseState = Literal["holds", "fails", "unsure"]
Count = Literal["one", "many"]
Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Vector3 = tuple[float, float, float]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True)


class Box(_Frozen):
    """Corners in [0, 1] of the full picture, origin top-left, x right, y down."""

    x1: float
    y1: float
    x2: float
    y2: float

    @model_validator(mode="after")
    def _ordered(self) -> Box:
        corners = (self.x1, self.y1, self.x2, self.y2)
        if not all(math.isfinite(value) for value in corners):
            raise InvalidBoxError(f"box {corners} is not finite")
        if not (0.0 <= self.x1 < self.x2 <= 1.0 and 0.0 <= self.y1 < self.y2 <= 1.0):
            raise InvalidBoxError(f"box {corners} needs 0 <= x1 < x2 <= 1 and 0 <= y1 < y2 <= 1")
        return self

    @classmethod
    def from_pixels(cls, box_px: tuple[float, float, float, float], width: int, height: int) -> Box:
        """Pixel edges (x2, y2 exclusive) of a width x height picture; parts outside it are cut off."""
        x1, y1, x2, y2 = box_px
        return cls(
            x1=max(x1, 0) / width, y1=max(y1, 0) / height, x2=min(x2, width) / width, y2=min(y2, height) / height
        )

    @property
    def corners(self) -> tuple[float, float, float, float]:
        return (self.x1, self.y1, self.x2, self.y2)

    @property
    def centre(self) -> tuple[float, float]:
        return ((self.x1 + self.x2) / 2, (self.y1 + self.y2) / 2)

    @property
    def area(self) -> float:
        return (self.x2 - self.x1) * (self.y2 - self.y1)

    @property
    def side(self) -> float:
        """Side of the square of equal area, as a fraction of the picture's side."""
        return math.sqrt(self.area)

    def to_pixels(self, width: int, height: int) -> tuple[float, float, float, float]:
        """x1, y1, x2, y2 in pixels of a width x height picture."""
        return (self.x1 * width, self.y1 * height, self.x2 * width, self.y2 * height)

    def intersection(self, other: Box) -> float:
        """Area of what both cover, as a fraction of the picture's."""
        width = min(self.x2, other.x2) - max(self.x1, other.x1)
        height = min(self.y2, other.y2) - max(self.y1, other.y1)
        return max(0.0, width) * max(0.0, height)

    def iou(self, other: Box) -> float:
        """Intersection over union, 0 to 1."""
        both = self.intersection(other)
        return both / (self.area + other.area - both) if both else 0.0


class Frame(_Frozen):
    """Which picture was looked at. `stamp_ns` is when it was taken; `frame_id` the optical frame's name."""

    width: int
    height: int
    stamp_ns: int | None = None
    frame_id: str = "camera_optical_frame"


class Candidate(_Frozen):
    """A box and the probability that it is the thing named."""

    box: Box
    probability: Probability


class Clause(_Frozen):
    """A claim of the phrase about place, checked against geometry after both things were found.

    anchor: the phrase of the other thing. anchor_box: None where that was not found, and the state is then `unsure`.
    geometry: what it was checked in, the picture or metres.
    rival_boxes: of `nearest to`, where all the things are that the phrase could mean, its own among them.
    """

    words: str
    relation: Relation
    anchor: str
    anchor_box: Box | None
    state: ClauseState
    geometry: Literal["picture", "metres"] = "picture"
    rival_boxes: tuple[Box, ...] = ()


class Grounding(_Frozen):
    """The answer to "where is PHRASE?".

    `probability_kind` says what the numbers mean: `joint` is the model's own joint probability of `<object>` and
    both corners, not calibrated; `calibrated` is a frequency measured on held-out pictures: that the best box overlaps
    a true one by IoU 0.5 or more (other candidates in proportion to it), and in `presence` that the thing is there.
    Without calibration `presence` is the probability that the model opens `<object>` after the phrase, and a thing is
    never said to be `not_found`. question: asks which of several is meant; only with the status `ambiguous`.
    `clauses`: what the phrase says about place, and whether it holds for the best candidate. One that fails turns
    `found` into `cannot_tell`.
    `candidates` begin with the likeliest. `count` says how they belong together: for `one` thing they are rivals; of
    `many` ("the cups") each is a thing of its own, and all are the answer. `unknown_words` of the phrase are those that
    the model never learnt: what rests on them is at best `cannot_tell`. `called`: what the model calls the box when it
    is asked about that alone, where the phrase says otherwise: what was `found` is `cannot_tell` because of it.
    """

    phrase: str
    status: Status
    count: Count = "one"
    candidates: tuple[Candidate, ...]
    presence: Probability
    probability_kind: Literal["joint", "calibrated"] = "joint"
    clauses: tuple[Clause, ...] = ()
    question: str | None = None
    frame: Frame
    model: str
    timings_ms: dict[str, float]
    unknown_words: tuple[str, ...] = ()
    called: str | None = None

    @property
    def best(self) -> Candidate:
        """The likeliest candidate; NoTargetError when there is none."""
        if not self.candidates:
            raise NoTargetError(f"{self.phrase!r} was {self.status}: the answer holds no box")
        return self.candidates[0]

    @property
    def meant(self) -> tuple[Candidate, ...]:
        """What the answer stands by: the one found, or all that were; nothing under any other status."""
        if self.status != "found":
            return ()
        return self.candidates if self.count == "many" else self.candidates[:1]


def with_clauses(answer: Grounding, clauses: tuple[Clause, ...]) -> Grounding:
    """A clause that fails lowers `found` to `cannot_tell`."""
    failed = any(clause.state == "fails" for clause in clauses)
    status = "cannot_tell" if failed and answer.status == "found" else answer.status
    return answer.model_copy(update={"clauses": clauses, "status": status})


def with_opinion(answer: Grounding, words: str) -> Grounding:
    """What the model calls the box by itself, where that is not what the phrase says: what was said to be there is
    `cannot_tell` then."""
    status = answer.status if answer.status == "not_found" else "cannot_tell"
    return answer.model_copy(update={"status": status, "question": None, "called": words})


def with_unknown_words(answer: Grounding, words: tuple[str, ...]) -> Grounding:
    """A word that the model never learnt lowers `found` and `ambiguous` to `cannot_tell`."""
    if not words:
        return answer
    status = answer.status if answer.status == "not_found" else "cannot_tell"
    return answer.model_copy(update={"unknown_words": words, "status": status, "question": None})


class Entity(_Frozen):
    """A span of a text, characters [start, end), and the boxes that it links to."""

    text: str
    start: int
    end: int
    boxes: tuple[Box, ...]


class GroundedText(_Frozen):
    """Words with some spans linked to boxes: a caption, a description, an answer."""

    text: str
    entities: tuple[Entity, ...]
    log_probability: float | None = None
    frame: Frame | None = None
    model: str = ""
    timings_ms: dict[str, float] = Field(default_factory=dict)

    @property
    def markdown(self) -> str:
        """The text with each entity as `[span](x1,y1,x2,y2;...)`, corners in [0, 1]."""
        parts: list[str] = []
        position = 0
        for entity in sorted(self.entities, key=lambda item: item.start):
            if entity.start < position:
                continue
            parts.append(_escape_markdown(self.text[position : entity.start]))
            links = ";".join(",".join(f"{value:.4f}" for value in box.corners) for box in entity.boxes)
            parts.append(f"[{_escape_markdown(self.text[entity.start : entity.end])}]({links})")
            position = entity.end
        return "".join(parts) + _escape_markdown(self.text[position:])


class Target3D(_Frozen):
    """A thing to grasp, in metres, in `frame_id`, at the picture's own stamp.

    position_m: middle of the extent in x and y (of a round thing, handle or not, its axis), middle of the height in z.
    size_m: extent along the axes of the frame. covariance_m2: row-major 3 x 3 of `position_m`.
    yaw_rad: direction of the longer horizontal axis about the frame's z, in (-pi/2, pi/2].
    extent_m: horizontal extent along that axis and across it, the longer first; grippers close over the second.
    points: how many depth points it rests on. support_height_m: height of the plane below it.
    """

    phrase: str
    frame_id: str
    stamp_ns: int | None
    position_m: Vector3
    size_m: Vector3
    yaw_rad: float
    extent_m: tuple[float, float]
    covariance_m2: tuple[float, float, float, float, float, float, float, float, float]
    support_height_m: float
    points: int
    box: Box
    probability: Probability


def _escape_markdown(text: str) -> str:
    return text.replace("\\", "\\\\").replace("[", "\\[").replace("]", "\\]")
