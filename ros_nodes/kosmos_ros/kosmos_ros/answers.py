"""results.Grounding and GroundedText <-> kosmos_interfaces messages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from kosmos_interfaces.msg import Clause as ClauseMessage
from kosmos_interfaces.msg import Entity as EntityMessage
from kosmos_interfaces.msg import GroundedText as TextMessage
from kosmos_interfaces.msg import Grounding as GroundingMessage
from kosmos_interfaces.msg import Timing
from std_msgs.msg import Header
from vision_msgs.msg import BoundingBox2D

from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError
from kosmos_agent.results import Clause, Entity, Frame, GroundedText, Grounding
from kosmos_ros import detections, stamps
from kosmos_ros.reasons import error_from_reason, reason_message
from kosmos_ros.targets import LocatedTarget, target_message

STATUSES = {
    "found": GroundingMessage.FOUND,
    "ambiguous": GroundingMessage.AMBIGUOUS,
    "not_found": GroundingMessage.NOT_FOUND,
    "cannot_tell": GroundingMessage.CANNOT_TELL,
}
COUNTS = {"one": GroundingMessage.ONE, "many": GroundingMessage.MANY}
KINDS = {"joint": GroundingMessage.JOINT, "calibrated": GroundingMessage.CALIBRATED}
STATES = {"unsure": ClauseMessage.UNSURE, "holds": ClauseMessage.HOLDS, "fails": ClauseMessage.FAILS}
GEOMETRIES = {"picture": ClauseMessage.IN_PICTURE, "metres": ClauseMessage.IN_METRES}


def grounding_message(
    answer: Grounding,
    header: Header,
    *,
    image_age_s: float,
    targets: Sequence[LocatedTarget] = (),
    target_error: KosmosAgentError | None = None,
) -> GroundingMessage:
    """header: the picture's own. target_error: why there are no targets although they were asked for."""
    width, height = answer.frame.width, answer.frame.height
    track_ids = {located.candidate: located.track_id for located in targets}
    candidates = [
        detections.detection_2d(
            detections.box_message(candidate.box, width, height),
            answer.phrase,
            candidate.probability,
            header,
            track_ids.get(index, ""),
        )
        for index, candidate in enumerate(answer.candidates)
    ]
    return GroundingMessage(
        header=header,
        image_width=width,
        image_height=height,
        phrase=answer.phrase,
        status=STATUSES[answer.status],
        count=COUNTS[answer.count],
        presence=answer.presence,
        probability_kind=KINDS[answer.probability_kind],
        question=answer.question or "",
        unknown_words=list(answer.unknown_words),
        called=answer.called or "",
        candidates=candidates,
        clauses=[_clause_message(clause, width, height) for clause in answer.clauses],
        targets=[target_message(located, width, height) for located in targets],
        target_reason=reason_message(target_error),
        image_age=stamps.duration_message(image_age_s),
        model=answer.model,
        timings=timing_messages(answer.timings_ms),
    )


def refusal(error: KosmosAgentError, phrase: str, header: Header | None = None) -> GroundingMessage:
    """No answer. header: the picture's, where there was one."""
    header = Header() if header is None else header
    return GroundingMessage(header=header, phrase=phrase, status=GroundingMessage.REFUSED, reason=reason_message(error))


def grounding_from_message(message: GroundingMessage) -> Grounding:
    """RemoteError for a refusal; InvalidArgumentError or InvalidBoxError for what no answer of ours can be."""
    error = error_from_reason(message.reason)
    if message.status == GroundingMessage.REFUSED or error is not None:
        raise error or InvalidArgumentError("an empty Grounding: neither an answer nor a reason")
    width, height = message.image_width, message.image_height
    candidates = [
        {
            "box": detections.box_from_message(detection.bbox, width, height),
            "probability": detection.results[0].hypothesis.score if detection.results else 0.0,
        }
        for detection in message.candidates
    ]
    return Grounding.model_validate(
        {
            "phrase": message.phrase,
            "status": named(STATUSES, message.status, "status"),
            "count": named(COUNTS, message.count, "count"),
            "candidates": candidates,
            "presence": message.presence,
            "probability_kind": named(KINDS, message.probability_kind, "probability kind"),
            "question": message.question or None,
            "unknown_words": tuple(message.unknown_words),
            "called": message.called or None,
            "clauses": [_clause(clause, width, height) for clause in message.clauses],
            "frame": _frame(message.header, width, height),
            "model": message.model,
            "timings_ms": {timing.stage: timing.duration_ms for timing in message.timings},
        }
    )


def text_message(text: GroundedText, header: Header, width: int, height: int, *, image_age_s: float) -> TextMessage:
    """header, width, height: the picture's."""
    entities = [
        EntityMessage(
            text=entity.text,
            start=entity.start,
            end=entity.end,
            boxes=[detections.box_message(box, width, height) for box in entity.boxes],
        )
        for entity in text.entities
    ]
    return TextMessage(
        header=header,
        image_width=width,
        image_height=height,
        text=text.text,
        entities=entities,
        log_probability=math.nan if text.log_probability is None else text.log_probability,
        image_age=stamps.duration_message(image_age_s),
        model=text.model,
        timings=timing_messages(text.timings_ms),
    )


def text_from_message(message: TextMessage) -> GroundedText:
    """InvalidBoxError where a box lies outside the picture."""
    width, height = message.image_width, message.image_height
    entities = tuple(
        Entity(
            text=entity.text,
            start=entity.start,
            end=entity.end,
            boxes=tuple(detections.box_from_message(box, width, height) for box in entity.boxes),
        )
        for entity in message.entities
    )
    return GroundedText(
        text=message.text,
        entities=entities,
        log_probability=None if math.isnan(message.log_probability) else message.log_probability,
        frame=_frame(message.header, width, height),
        model=message.model,
        timings_ms={timing.stage: timing.duration_ms for timing in message.timings},
    )


def timing_messages(timings_ms: Mapping[str, float]) -> list[Timing]:
    """In the order of the stages."""
    return [Timing(stage=stage, duration_ms=duration_ms) for stage, duration_ms in timings_ms.items()]


def named(codes: Mapping[str, int], code: int, what: str) -> str:
    """The name of a number that a message carries; InvalidArgumentError lists the valid ones."""
    for name, value in codes.items():
        if value == code:
            return name
    valid = ", ".join(f"{value} ({name})" for name, value in codes.items())
    raise InvalidArgumentError(f"{what} {code}; valid: {valid}")


def _frame(header: Header, width: int, height: int) -> Frame:
    return Frame(width=width, height=height, stamp_ns=stamps.stamp_ns(header.stamp) or None, frame_id=header.frame_id)


def _clause_message(clause: Clause, width: int, height: int) -> ClauseMessage:
    found = clause.anchor_box
    return ClauseMessage(
        words=clause.words,
        relation=clause.relation,
        anchor=clause.anchor,
        anchor_found=found is not None,
        anchor_bbox=BoundingBox2D() if found is None else detections.box_message(found, width, height),
        state=STATES[clause.state],
        geometry=GEOMETRIES[clause.geometry],
    )


def _clause(message: ClauseMessage, width: int, height: int) -> dict[str, object]:
    box = detections.box_from_message(message.anchor_bbox, width, height) if message.anchor_found else None
    return {
        "words": message.words,
        "relation": message.relation,
        "anchor": message.anchor,
        "anchor_box": box,
        "state": named(STATES, message.state, "state of a clause"),
        "geometry": named(GEOMETRIES, message.geometry, "geometry of a clause"),
    }
