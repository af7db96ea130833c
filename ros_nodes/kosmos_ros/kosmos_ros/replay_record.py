"""answers.jsonl: one line for each picture and phrase, and one for each other message that could not be read.

The file is also how far a replay came: what stands in it is not done again.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from kosmos_interfaces.msg import Grounding as GroundingMessage

from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError
from kosmos_agent.results import Grounding
from kosmos_ros.answers import grounding_from_message
from kosmos_ros.bag_shots import Damaged
from kosmos_ros.reasons import error_from_reason
from kosmos_ros.stamps import stamp_ns
from kosmos_ros.targets import target_from_message

ANSWERS_FILE, PLAN_FILE = "answers.jsonl", "replay.json"

Line = dict[str, Any]


class ReplayRecord:
    """The two files in `folder`. phrases: how many lines a picture has.

    InvalidArgumentError: the folder holds a replay with other settings (`plan`), which cannot be gone on with.
    """

    def __init__(self, folder: Path, plan: Mapping[str, Any], phrases: int) -> None:
        self._path, self._phrases = folder / ANSWERS_FILE, phrases
        _check_plan(folder / PLAN_FILE, plan)
        self.lines = _whole(self._path, phrases)
        self._path.write_text("".join(map(_text, self.lines)), encoding="utf-8")

    @property
    def next_picture(self) -> int:
        """Number of the first picture that has no answers yet."""
        return max((line["picture"] for line in self.lines if "picture" in line), default=-1) + 1

    @property
    def statuses(self) -> dict[str, dict[str, int]]:
        """Phrase -> status -> how many pictures."""
        counts: dict[str, Counter[str]] = {}
        for line in self.lines:
            if "picture" in line:
                counts.setdefault(line["phrase"], Counter())[line["status"]] += 1
        return {phrase: dict(counter) for phrase, counter in counts.items()}

    def add(self, lines: Sequence[Line]) -> None:
        """All lines of a picture at once, so that an interruption falls between pictures."""
        self.lines += lines
        with self._path.open("a", encoding="utf-8") as file:
            file.write("".join(map(_text, lines)))

    def add_damaged(self, damaged: Damaged) -> None:
        """Once, however often the recording is read again."""
        line = {
            "topic": damaged.topic,
            "received_ns": damaged.received_ns,
            "status": "refused",
            "reason": _reason(damaged.error),
        }
        if line not in self.lines:
            self.add([line])


def answer_line(number: int, received_ns: int, message: GroundingMessage) -> Line:
    """Boxes as fractions of the picture (x1, y1, x2, y2), targets in metres, times in nanoseconds and milliseconds."""
    line: Line = {
        "picture": number,
        "received_ns": received_ns,
        "stamp_ns": stamp_ns(message.header.stamp) or None,
        "frame_id": message.header.frame_id,
        "phrase": message.phrase,
    }
    refused = error_from_reason(message.reason)
    if refused is not None:
        return line | {"status": "refused", "reason": _reason(refused)}
    return line | _said(grounding_from_message(message)) | _targets(message)


def _said(answer: Grounding) -> Line:
    return {
        "status": answer.status,
        "count": answer.count,
        "presence": answer.presence,
        "probability": answer.candidates[0].probability if answer.candidates else None,
        "probability_kind": answer.probability_kind,
        "question": answer.question,
        "unknown_words": list(answer.unknown_words),
        "called": answer.called,
        "boxes": [
            {"box": list(candidate.box.corners), "probability": candidate.probability}
            for candidate in answer.candidates
        ],
        "clauses": [
            {"words": clause.words, "state": clause.state, "geometry": clause.geometry} for clause in answer.clauses
        ],
        "model": answer.model,
        "timings_ms": answer.timings_ms,
    }


def _targets(message: GroundingMessage) -> Line:
    error = error_from_reason(message.target_reason)
    located = [target_from_message(item) for item in message.targets]
    targets = [
        {"candidate": item.candidate, "id": item.track_id, **item.target.model_dump(mode="json", exclude={"box"})}
        for item in located
    ]
    return {
        "target": targets[0] if targets else None,
        "targets": targets,
        "target_reason": None if error is None else _reason(error),
    }


def _reason(error: KosmosAgentError) -> dict[str, str]:
    return {"code": error.code, "message": str(error)}


def _text(line: Mapping[str, Any]) -> str:
    return json.dumps(line, ensure_ascii=False) + "\n"


def _whole(path: Path, phrases: int) -> list[Line]:
    """The lines of pictures that have all of theirs: a run that was killed may have left half a line, or half of them.

    InvalidArgumentError: another line is no record.
    """
    texts = path.read_text(encoding="utf-8").splitlines(keepends=True) if path.is_file() else []
    if texts and not texts[-1].endswith("\n"):
        texts.pop()
    lines = [_parsed(text, path, number) for number, text in enumerate(texts, 1)]
    each = Counter(line["picture"] for line in lines if "picture" in line)
    return [line for line in lines if "picture" not in line or each[line["picture"]] == phrases]


def _parsed(text: str, path: Path, number: int) -> Line:
    try:
        line = json.loads(text)
    except ValueError:
        line = None
    if not isinstance(line, dict) or "status" not in line:
        raise InvalidArgumentError(f"line {number} of {path} is no answer of a replay; valid: another folder, or none")
    return line


def _check_plan(path: Path, plan: Mapping[str, Any]) -> None:
    if not path.is_file():
        path.write_text(json.dumps(plan, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        return
    try:
        held = json.loads(path.read_text(encoding="utf-8"))
    except ValueError:
        held = {}
    differ = _differing(held if isinstance(held, dict) else {}, plan)
    if differ:
        raise InvalidArgumentError(
            f"{path.parent} holds a replay with other settings ({', '.join(differ)}); valid: the same ones to go on "
            "with it, or another --out"
        )


def _differing(held: Mapping[str, Any], plan: Mapping[str, Any]) -> Iterable[str]:
    return [name for name in plan if held.get(name) != plan[name]]
