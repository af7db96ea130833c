"""One recorded picture -> the grounding node's answers to its standing phrases, without a node."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kosmos_interfaces.msg import Grounding as GroundingMessage

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.grounder import Grounder
from kosmos_agent.results import Grounding
from kosmos_ros import answers, frames_in, stamps
from kosmos_ros.answering import Answering
from kosmos_ros.bag_shots import Shot
from kosmos_ros.frames_in import FrameStore
from kosmos_ros.images import Rgb
from kosmos_ros.settings import GroundingSettings
from kosmos_ros.tracks import Tracks
from kosmos_ros.transforms import TransformBuffer


@dataclass(frozen=True, eq=False)
class ShotAnswers:
    """messages: one a phrase. rgb: None for a picture that could not be read; then there are no results."""

    messages: list[GroundingMessage]
    results: list[Grounding]
    rgb: Rgb | None


class ShotAnswerer:
    """The clock stands at each picture's own stamp: nothing is stale, and nothing is waited for."""

    def __init__(self, grounder: Grounder, transforms: TransformBuffer, settings: GroundingSettings) -> None:
        self._settings = settings.model_copy(update={"transform_timeout_sec": 0.0})
        self._now_ns = 0
        self._answering = Answering(
            grounder, FrameStore(), transforms, Tracks(settings), lambda: self._settings, lambda: self._now_ns
        )

    def answer(self, shot: Shot, phrases: Sequence[str]) -> ShotAnswers:
        """A picture that cannot be read is a refusal for each phrase, with the reason that the node gives."""
        if isinstance(shot.image, KosmosAgentError):
            return ShotAnswers([answers.refusal(shot.image, phrase) for phrase in phrases], [], None)
        try:
            answered = self._answering.standing(phrases, self._stored(shot))
        except KosmosAgentError as error:
            header = shot.image.header
            return ShotAnswers([answers.refusal(error, phrase, header) for phrase in phrases], [], None)
        return ShotAnswers(answered.groundings, answered.results, answered.rgb)

    def _stored(self, shot: Shot) -> frames_in.Shot:
        """A store of its own for each: a recorded picture is answered also where a live one has overtaken it."""
        store = self._answering.store = FrameStore()
        if shot.camera_info is not None:
            store.add_info(shot.camera_info)
        if shot.depth is not None:
            store.add_depth(shot.depth)
        store.add_colour(shot.image)
        self._now_ns = stamps.stamp_ns(shot.image.header.stamp)
        settings = self._settings
        return store.newest(
            max(self._now_ns, 1), max_age_s=settings.max_image_age_sec, max_skew_s=settings.max_clock_skew_sec
        )
