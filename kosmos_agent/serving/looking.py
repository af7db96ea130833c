"""What the queue needs of a model: pictures read together, phrases asked together, texts written one by one."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Protocol

from kosmos_agent.asks import AnswerAsk, Ask, CaptionAsk, DescribeAsk, FindAsk
from kosmos_agent.grounder import Grounder
from kosmos_agent.results import GroundedText, Grounding
from kosmos_agent.serving.jobs import Picture
from kosmos_agent.view import View
from kosmos_agent.views import Asked, find_together, view_together

StopCallback = Callable[[], bool]


class Looker(Protocol):
    """Used by one thread."""

    def views(self, pictures: Sequence[Picture]) -> list[View]:
        """Those not seen before are read in one pass."""
        ...

    def find(self, asked: Sequence[Asked]) -> list[list[Grounding]]:
        """Answers to the phrases about each view."""
        ...

    def write(self, view: View, ask: Ask, should_stop: StopCallback) -> list[Grounding] | list[GroundedText]:
        """Whatever is not asked together with others. CancelledError when `should_stop` said so."""
        ...


class ModelLooker:
    """Over a `Grounder`. kept: pictures that are remembered with what was read of them, the last ones asked about."""

    def __init__(self, grounder: Grounder, *, kept: int = 8) -> None:
        self.grounder, self._kept = grounder, kept
        self._views: OrderedDict[bytes, View] = OrderedDict()

    def views(self, pictures: Sequence[Picture]) -> list[View]:
        new = [picture for picture in pictures if self._known(picture) is None]
        read = iter(view_together(self.grounder, [(item.rgb, item.stamp_ns, item.frame_id) for item in new]))
        views = [self._known(picture) or next(read) for picture in pictures]
        for picture, view in zip(pictures, views, strict=True):
            self._keep(picture, view)
        return views

    def find(self, asked: Sequence[Asked]) -> list[list[Grounding]]:
        return find_together(asked)

    def write(self, view: View, ask: Ask, should_stop: StopCallback) -> list[Grounding] | list[GroundedText]:
        match ask:
            case FindAsk(each=True):
                return [view.find_each(phrase, should_stop=should_stop) for phrase in ask.phrases]
            case FindAsk():
                return view.find_all(ask.phrases, zoom=ask.zoom)
            case DescribeAsk():
                return view.describe_all(ask.boxes, zoom=ask.zoom, should_stop=should_stop)
            case CaptionAsk():
                return [view.caption(ask.style, zoom=ask.zoom, should_stop=should_stop)]
            case AnswerAsk():
                return view.answer_all(ask.questions, should_stop=should_stop)

    def _known(self, picture: Picture) -> View | None:
        view = None if picture.digest is None else self._views.get(picture.digest)
        if view is None or (view.frame.stamp_ns, view.frame.frame_id) != (picture.stamp_ns, picture.frame_id):
            return None
        return view

    def _keep(self, picture: Picture, view: View) -> None:
        if picture.digest is None:
            return
        self._views[picture.digest] = view
        self._views.move_to_end(picture.digest)
        while len(self._views) > self._kept:
            self._views.popitem(last=False)
