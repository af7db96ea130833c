"""One picture and what is asked of it -> messages. Runs on the inference thread alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from kosmos_interfaces.msg import GroundedText, Grounding
from sensor_msgs.msg import CompressedImage

from kosmos_agent import results
from kosmos_agent.errors import InvalidPhraseError, KosmosAgentError
from kosmos_agent.markup import escape_user_text
from kosmos_agent.remote import RemoteView
from kosmos_agent.view import View
from kosmos_ros import answers, stamps
from kosmos_ros.detections import box_from_message
from kosmos_ros.frames_in import FrameStore, Shot
from kosmos_ros.goals import GroundGoal
from kosmos_ros.images import Rgb, rgb_from_compressed, rgb_from_image
from kosmos_ros.metres import Depth, depth_of, in_metres, targets_of
from kosmos_ros.models import Model
from kosmos_ros.settings import GroundingSettings
from kosmos_ros.targets import LocatedTarget
from kosmos_ros.tracks import NamedEvent, Tracks
from kosmos_ros.transforms import TransformBuffer

Report = Callable[[str], None]
"""Told of each phase: `encoding`, `grounding`, `writing`, `locating`."""


@dataclass(eq=False)
class Answered:
    """What came out, as messages and as what they were made from. grounding or text: whichever was asked for."""

    shot: Shot
    groundings: list[Grounding] = field(default_factory=list)
    results: list[results.Grounding] = field(default_factory=list)
    text: GroundedText | None = None
    events: list[NamedEvent] = field(default_factory=list)
    rgb: Rgb | None = None
    faults: list[KosmosAgentError] = field(default_factory=list)
    standing: bool = False


@dataclass(eq=False)
class _Looked:
    """A picture that was looked at, kept so that all that is asked of it shares one encoding."""

    shot: Shot
    rgb: Rgb
    view: View | RemoteView
    depths: dict[str, Depth | KosmosAgentError] = field(default_factory=dict)
    tracked: dict[tuple[str, str], list[LocatedTarget]] = field(default_factory=dict)


class Answering:
    """settings: asked anew for each picture. now_ns: the node's clock."""

    def __init__(
        self,
        grounder: Model,
        store: FrameStore,
        transforms: TransformBuffer,
        tracks: Tracks,
        settings: Callable[[], GroundingSettings],
        now_ns: Callable[[], int],
    ) -> None:
        self.grounder, self.store = grounder, store
        self._transforms, self._tracks = transforms, tracks
        self._settings, self._now_ns = settings, now_ns
        self._looked: _Looked | None = None

    def goal(self, goal: GroundGoal, shot: Shot, should_stop: Callable[[], bool], report: Report) -> Answered:
        """Errors of the picture, the phrase and CancelledError pass through; those of depth are in the answer."""
        report("encoding")
        looked = self._look(shot)
        answered = Answered(shot, rgb=looked.rgb)
        if goal.task == "find":
            report("grounding")
            found = looked.view.find(goal.phrase)
            if goal.want_3d:
                report("locating")
            self._add(answered, looked, found, goal.target_frame, goal.max_results, want_3d=goal.want_3d, patient=True)
            return answered
        report("writing")
        text = self._text(looked.view, goal, should_stop)
        width, height = looked.view.frame.width, looked.view.frame.height
        answered.text = answers.text_message(text, shot.message.header, width, height, image_age_s=self._age_s(shot))
        return answered

    def standing(self, phrases: Sequence[str], shot: Shot) -> Answered:
        """All phrases in one pass; one that cannot be asked is refused, and keeps no other from its answer."""
        looked = self._look(shot)
        answered = Answered(shot, rgb=looked.rgb, standing=True)
        askable = [phrase for phrase in phrases if self._askable(phrase, answered)]
        if askable:
            want_3d = self._settings().use_depth and self.store.has_depth
            for found in looked.view.find_all(askable):
                self._add(answered, looked, found, None, None, want_3d=want_3d, patient=False)
        return answered

    def refused(self, phrases: Sequence[str], shot: Shot, error: KosmosAgentError) -> Answered:
        header = shot.message.header
        refusals = [answers.refusal(error, phrase, header) for phrase in phrases]
        return Answered(shot, groundings=refusals, faults=[error], standing=True)

    def forget(self) -> None:
        self._looked = None

    def _look(self, shot: Shot) -> _Looked:
        if self._looked is None or self._looked.shot is not shot:
            message = shot.message
            rgb = rgb_from_compressed(message) if isinstance(message, CompressedImage) else rgb_from_image(message)
            view = self.grounder.view(rgb, stamp_ns=shot.stamp_ns, frame_id=message.header.frame_id)
            self._looked = _Looked(shot, rgb, view)
        return self._looked

    def _add(
        self,
        answered: Answered,
        looked: _Looked,
        found: results.Grounding,
        target_frame: str | None,
        max_results: int | None,
        *,
        want_3d: bool,
        patient: bool,
    ) -> None:
        settings, shot = self._settings(), looked.shot
        limit = max_results or settings.max_results
        found = found.model_copy(update={"candidates": found.candidates[:limit]})
        targets: list[LocatedTarget] = []
        error: KosmosAgentError | None = None
        if want_3d:
            try:
                depth = self._depth(looked, target_frame or settings.target_frame, patient)
                found = in_metres(found, depth)
                targets = self._located(answered, looked, found, depth)
            except KosmosAgentError as missing:
                error = missing
                if missing.code != "no_target":
                    answered.faults.append(missing)
        answered.results.append(found)
        answered.groundings.append(
            answers.grounding_message(
                found, shot.message.header, image_age_s=self._age_s(shot), targets=targets, target_error=error
            )
        )

    def _depth(self, looked: _Looked, target_frame: str, patient: bool) -> Depth:
        kept = looked.depths.get(target_frame)
        if isinstance(kept, Depth):
            return kept
        if kept is not None and not patient:
            raise kept
        size_px = looked.view.frame.width, looked.view.frame.height
        try:
            depth = depth_of(
                looked.shot, size_px, target_frame, self.store, self._transforms, self._settings(), patient=patient
            )
        except KosmosAgentError as error:
            looked.depths[target_frame] = error
            raise
        looked.depths[target_frame] = depth
        return depth

    def _located(
        self, answered: Answered, looked: _Looked, found: results.Grounding, depth: Depth
    ) -> list[LocatedTarget]:
        """One sighting for each picture and phrase, however often it is asked."""
        key = (found.phrase, depth.frame_id)
        if key in looked.tracked:
            kept = looked.tracked[key]
            if kept or found.status not in ("found", "ambiguous"):
                return [item for item in kept if item.candidate < len(found.candidates)]
        seen = found.status in ("found", "ambiguous") and bool(found.candidates)
        targets = targets_of(found, depth) if seen else []
        named, events = self._tracks.update(found, targets, depth.frame_id, looked.shot.stamp_ns)
        looked.tracked[key] = named
        answered.events += events
        if not seen:
            targets_of(found, depth)  # says in its own words why there is nothing to locate
        return named

    def _askable(self, phrase: str, answered: Answered) -> bool:
        try:
            escape_user_text(phrase)
        except InvalidPhraseError as error:
            answered.groundings.append(answers.refusal(error, phrase, answered.shot.message.header))
            answered.faults.append(error)
            return False
        return True

    def _text(self, view: View | RemoteView, goal: GroundGoal, should_stop: Callable[[], bool]) -> results.GroundedText:
        if goal.task == "caption":
            return view.caption(should_stop=should_stop)
        if goal.task == "answer" or goal.region_px is None:
            return view.answer(goal.phrase, should_stop=should_stop)
        box = box_from_message(goal.region_px, view.frame.width, view.frame.height)
        return view.describe(box, should_stop=should_stop)

    def _age_s(self, shot: Shot) -> float:
        age_s = (self._now_ns() - shot.stamp_ns) / stamps.NS_PER_S
        return min(max(age_s, -stamps.MAX_SECONDS), stamps.MAX_SECONDS)
