"""A grounder in another process or on another machine, used like one in this.

grounder = RemoteGrounder("http://127.0.0.1:8000")
answer = grounder.view(image).find("the red cup")

It knows no model and imports no torch: a robot's computer needs neither.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from typing import Literal

from PIL import Image

from kosmos_agent.asks import AnswerAsk, CaptionAsk, DescribeAsk, FindAsk
from kosmos_agent.errors import CancelledError, InvalidArgumentError
from kosmos_agent.images import as_rgb_array
from kosmos_agent.remote_calls import Picture, Remote, Retries
from kosmos_agent.results import Box, Frame, GroundedText, Grounding

Encoding = Literal["png", "ppm", "jpeg"]
_SAVING: dict[Encoding, dict[str, int]] = {"png": {"compress_level": 1}, "ppm": {}, "jpeg": {"quality": 95}}
StopCallback = Callable[[], bool]


class RemoteGrounder:
    """url: of `kosmos-agent serve`. token: where the server wants one; it is shown nowhere.

    timeout_s: for each call, all tries together. encoding: of pictures on their way; `png` and `ppm` (large, and
    cheap to make) lose nothing, `jpeg` is for slow links, and its answers may differ.
    InvalidArgumentError for an address or a token that cannot be one. Nothing is asked before the first call.
    """

    warnings: tuple[str, ...] = ()

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        timeout_s: float = 30.0,
        encoding: Encoding = "png",
        retries: Retries | None = None,
    ) -> None:
        if encoding not in _SAVING:
            raise InvalidArgumentError(f"encoding {encoding!r}; valid: {', '.join(_SAVING)}")
        self._remote = Remote(url, token, timeout_s, retries or Retries())
        self._encoding: Encoding = encoding
        self.name = self._remote.url

    def __repr__(self) -> str:
        return f"RemoteGrounder({self.name!r})"

    def __enter__(self) -> RemoteGrounder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._remote.close()

    def check(self) -> None:
        """UnreachableError, NotReadyError, where a call would not be answered."""
        self._remote.check()

    def view(
        self, image: Image.Image | object, *, stamp_ns: int | None = None, frame_id: str = "camera_optical_frame"
    ) -> RemoteView:
        """As `Grounder.view`; the picture goes with each question, and the server remembers what it has read."""
        rgb = as_rgb_array(image)  # type: ignore[arg-type]  # says itself what is no picture
        height, width = rgb.shape[:2]
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, self._encoding, **_SAVING[self._encoding])
        frame = Frame(width=width, height=height, stamp_ns=stamp_ns, frame_id=frame_id)
        return RemoteView(self._remote, frame, Picture(file.getvalue(), self._encoding, stamp_ns, frame_id))


class RemoteView:
    """Answers as those of `View`. Beside its errors: UnreachableError, UnauthorizedError, BusyError, NotReadyError,
    GoalTimeoutError. should_stop: asked before a call; what the server has begun goes on until its answer."""

    def __init__(self, remote: Remote, frame: Frame, picture: Picture) -> None:
        self.frame = frame
        self._remote, self._picture = remote, picture

    def find(self, phrase: str, *, zoom: bool | None = None) -> Grounding:
        return self.find_all([phrase], zoom=zoom)[0]

    def find_all(self, phrases: Sequence[str], *, zoom: bool | None = None) -> list[Grounding]:
        return self._remote.ground(self._picture, FindAsk(phrases=tuple(phrases), zoom=zoom))

    def find_each(self, phrase: str, *, should_stop: StopCallback | None = None) -> Grounding:
        _heed(should_stop)
        return self._remote.ground(self._picture, FindAsk(phrases=(phrase,), each=True))[0]

    def describe(self, box: Box, *, zoom: bool | None = None, should_stop: StopCallback | None = None) -> GroundedText:
        return self.describe_all([box], zoom=zoom, should_stop=should_stop)[0]

    def describe_all(
        self, boxes: Sequence[Box], *, zoom: bool | None = None, should_stop: StopCallback | None = None
    ) -> list[GroundedText]:
        _heed(should_stop)
        return self._remote.text(self._picture, DescribeAsk(boxes=tuple(boxes), zoom=zoom))

    def caption(
        self,
        style: Literal["brief", "detailed"] = "brief",
        *,
        zoom: bool | None = None,
        should_stop: StopCallback | None = None,
    ) -> GroundedText:
        _heed(should_stop)
        if style not in ("brief", "detailed"):
            raise InvalidArgumentError(f"caption style {style!r}; valid: brief, detailed")
        return self._remote.text(self._picture, CaptionAsk(style=style, zoom=zoom))[0]

    def answer(self, question: str, *, should_stop: StopCallback | None = None) -> GroundedText:
        return self.answer_all([question], should_stop=should_stop)[0]

    def answer_all(self, questions: Sequence[str], *, should_stop: StopCallback | None = None) -> list[GroundedText]:
        _heed(should_stop)
        return self._remote.text(self._picture, AnswerAsk(questions=tuple(questions)))


def _heed(should_stop: StopCallback | None) -> None:
    if should_stop is not None and should_stop():
        raise CancelledError("stopped before it was asked, as asked")
