"""A recording through the grounding node's own code, without a graph: answers, a film, and where it came to.

Errors of single messages are lines of the record; the replay goes on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.markup import escape_user_text
from kosmos_ros import bag_topics
from kosmos_ros.bag_reader import BagReader
from kosmos_ros.bag_shots import Damaged, Shot, ShotReader
from kosmos_ros.replay_film import ReplayFilm
from kosmos_ros.replay_record import ReplayRecord, answer_line
from kosmos_ros.settings import MAX_PHRASES, GroundingSettings
from kosmos_ros.shot_answers import ShotAnswerer, ShotAnswers
from kosmos_ros.transforms import TransformBuffer

if TYPE_CHECKING:
    from kosmos_agent.grounder import Grounder


@dataclass(frozen=True)
class ReplayPlan:
    """What decides about the answers: a replay goes on only with the same. Topics: None: found by their type."""

    bag: str
    phrases: tuple[str, ...]
    model: str
    target_frame: str
    every: int = 1
    image_topic: str | None = None
    depth_topic: str | None = None
    camera_info_topic: str | None = None

    def __post_init__(self) -> None:
        if not 1 <= len(self.phrases) <= MAX_PHRASES or len(set(self.phrases)) != len(self.phrases):
            raise InvalidArgumentError(f"{len(self.phrases)} phrases; valid: 1 to {MAX_PHRASES} different ones")
        if self.every < 1:
            raise InvalidArgumentError(f"every {self.every} pictures; valid: at least 1")
        for phrase in self.phrases:
            escape_user_text(phrase)


class Replay:
    """on_picture: told how many pictures are done, after each.

    InvalidArgumentError: topics are missing or ambiguous, or `out` holds another replay.
    """

    def __init__(self, reader: BagReader, plan: ReplayPlan, out: Path, settings: GroundingSettings) -> None:
        self._reader, self._plan, self._settings = reader, plan, settings
        self.topics = bag_topics.choose(
            reader, image=plan.image_topic, depth=plan.depth_topic, camera_info=plan.camera_info_topic
        )
        self.record = ReplayRecord(out, _comparable(plan), len(plan.phrases))
        self._film = ReplayFilm(out)

    @property
    def pictures(self) -> int:
        """How many there are to answer in all, those done before included."""
        return -(-self._reader.count(self.topics.image) // self._plan.every)

    @property
    def done(self) -> int:
        return -(-self.record.next_picture // self._plan.every)

    def run(self, grounder: Grounder, on_picture: Callable[[], object] = lambda: None) -> None:
        """To the end of the recording. An interruption loses no picture that was answered: a later run goes on.

        Ids of targets begin anew with each run.
        """
        buffer = TransformBuffer(self._settings.tf_history_sec)
        shots = ShotReader(
            self._reader,
            self.topics,
            buffer,
            every=self._plan.every,
            first=self.record.next_picture,
        )
        answerer = ShotAnswerer(grounder, buffer, self._settings)
        for shot in shots.shots():
            if isinstance(shot, Damaged):
                self.record.add_damaged(shot)
                continue
            self._take(shot, answerer.answer(shot, self._plan.phrases))
            on_picture()

    def write_film(self) -> list[Path]:
        """Of all pictures answered so far."""
        stamps = {line["picture"]: line["stamp_ns"] for line in self.record.lines if line.get("stamp_ns")}
        return self._film.write(list(stamps.values()))

    def _take(self, shot: Shot, answered: ShotAnswers) -> None:
        """The frame before the lines, so that a picture that has its lines has its frame."""
        if answered.rgb is not None:
            said = [f"{answer.phrase}: {answer.status.replace('_', ' ')}" for answer in answered.results]
            marked = [answer for answer in answered.results if answer.status in ("found", "ambiguous")]
            self._film.add(shot.number, answered.rgb, marked, "   ".join(said))
        self.record.add([answer_line(shot.number, shot.received_ns, message) for message in answered.messages])


def _comparable(plan: ReplayPlan) -> dict[str, Any]:
    """As JSON gives it back."""
    return asdict(plan) | {"phrases": list(plan.phrases)}
