"""A report in a few words for a language model. Words that were read out of the scene are fenced: data, not orders."""

from __future__ import annotations

from kosmos_agent.results import Box, Grounding
from kosmos_agent.skills.reports import (
    DescribeReport,
    FindReport,
    LocateReport,
    PickReport,
    PlaceReport,
    PresenceReport,
    SkillReport,
)

_MAX_SCENE_CHARACTERS = 2000


def text_of(report: SkillReport) -> str:
    """One or a few lines; a program reads the report itself."""
    match report:
        case LocateReport():
            return _located(report)
        case FindReport():
            return _found(report)
        case DescribeReport():
            return _described(report)
        case PresenceReport():
            words = {"present": "is in view", "absent": "is not in view", "cannot_tell": "may or may not be in view"}
            return f"{report.status}: {report.phrase!r} {words[report.status]} (probability {report.presence:.2f})"
        case PickReport():
            return _picked(report)
        case PlaceReport():
            return _placed(report)
    raise TypeError(f"no words for a report of type {type(report).__name__}")


def fenced(words: str) -> str:
    """Scene text between marks that it cannot hold itself."""
    plain = "".join(character if character.isprintable() else " " for character in words)
    plain = plain.replace("<", "(").replace(">", ")")[:_MAX_SCENE_CHARACTERS]
    return f"<scene-text>{plain}</scene-text>"


def _found(report: FindReport) -> str:
    answer = report.answer
    if report.status == "not_found":
        return f"not_found: {answer.phrase!r} is not in view (presence {answer.presence:.2f}){_old(report)}"
    lines = [_candidate(answer, index, report.target_ids) for index in range(min(len(answer.candidates), 16))]
    head = {
        "found": f"found: {answer.phrase!r}",
        "ambiguous": f"ambiguous: {len(answer.candidates)} things fit {answer.phrase!r}; ask: {answer.question}",
        "cannot_tell": f"cannot_tell: not sure about {answer.phrase!r} (presence {answer.presence:.2f})",
    }[report.status]
    clauses = [f"{clause.words!r} {clause.state}" for clause in answer.clauses]
    checked = f"; checked: {', '.join(clauses)}" if clauses else ""
    if answer.called is not None:
        checked += f"; what lies there looks like {fenced(answer.called)}"
    if answer.unknown_words:
        checked += f"; words that the model never learnt: {', '.join(answer.unknown_words[:8])}"
    kept = lines if report.status == "ambiguous" or answer.count == "many" else lines[:1]
    return f"{head}{checked}{_old(report)}\n" + "\n".join(kept)


def _located(report: LocateReport) -> str:
    lines = [_found(report)]
    for located in report.targets:
        x, y, z = located.target.position_m
        lines.append(f"{located.target_id}: x {x:.3f}, y {y:.3f}, z {z:.3f} m in {located.target.frame_id}")
    if report.no_targets_because is not None:
        lines.append(f"no position: {report.no_targets_because.code}: {report.no_targets_because.message}")
    return "\n".join(lines)


def _described(report: DescribeReport) -> str:
    lines = [f"{report.status}: {fenced(report.description.text)}"]
    boxes = [(entity.text, box) for entity in report.description.entities for box in entity.boxes]
    lines += [
        f"{target_id}: {fenced(words)} box {_corners(box)}"
        for target_id, (words, box) in zip(report.target_ids, boxes, strict=False)
    ]
    return "\n".join(lines[:17])


def _picked(report: PickReport) -> str:
    course = report.pick
    if report.status == "picked":
        seen = {"yes": "and its place is seen to be empty", "cannot_tell": "which could not be confirmed by sight"}
        return f"picked: {course.phrase!r} is held, {seen.get(report.confirmed, '')}"
    ids = f"; target_ids {', '.join(report.target_ids)}" if report.target_ids else ""
    return f"{report.status}: {course.message}{ids}"


def _placed(report: PlaceReport) -> str:
    where = f"{report.relation} {report.phrase!r}"
    if report.status == "placed":
        seen = {"yes": "where it is seen", "cannot_tell": "which could not be confirmed by sight"}
        return f"placed: {where}, {seen.get(report.confirmed, '')}"
    ids = f"; target_ids {', '.join(report.target_ids)}" if report.target_ids else ""
    return f"{report.status}: {where}: {report.message}{ids}"


def _candidate(answer: Grounding, index: int, target_ids: tuple[str, ...]) -> str:
    candidate = answer.candidates[index]
    name = target_ids[index] if index < len(target_ids) else "-"
    return f"{name}: box {_corners(candidate.box)}, probability {candidate.probability:.2f}"


def _corners(box: Box) -> str:
    return ",".join(f"{value:.3f}" for value in box.corners)


def _old(report: SkillReport) -> str:
    return f"; the picture is {report.image.age_s:.1f} s old" if 1.0 <= report.image.age_s < 3600 else ""
