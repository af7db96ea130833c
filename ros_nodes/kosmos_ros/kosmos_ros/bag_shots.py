"""Pictures of a recording, each with the depth picture and camera_info taken with it, and tf about its moment.

A recording holds messages in the order in which they came: what belongs to a picture may stand a little after it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from sensor_msgs.msg import CameraInfo, Image

from kosmos_agent.errors import KosmosAgentError
from kosmos_ros import stamps
from kosmos_ros.bag_reader import BagMessage, BagReader
from kosmos_ros.bag_topics import TF_STATIC_TOPIC, BagTopics
from kosmos_ros.tf_listener import add_message
from kosmos_ros.transforms import TransformBuffer

LATE_NS = 1_000_000_000
"""How far behind a picture its depth and transforms may stand in a recording."""
JUMP_NS = 1_000_000_000
"""Transforms that go back by more than this were taken after a jump of the clock (a simulation begun again)."""
MAX_WAITING = 128


@dataclass(frozen=True)
class Damaged:
    """A message that cannot be read, other than a picture."""

    topic: str
    received_ns: int
    error: KosmosAgentError


@dataclass(frozen=True)
class Shot:
    """number: of the picture on its topic, counted from 0. image: Image or CompressedImage, or why it cannot be read.

    depth, camera_info: those stamped nearest, however far off; None where none has come.
    """

    number: int
    received_ns: int
    image: Any
    depth: Image | None = None
    camera_info: CameraInfo | None = None


@dataclass
class ShotReader:
    """Runs once over a recording. `buffer` always holds the transforms about the shot given last.

    every: each how many-th picture, from the first. first: number of the first picture wanted.
    """

    reader: BagReader
    topics: BagTopics
    buffer: TransformBuffer
    every: int = 1
    first: int = 0
    _waiting: deque[Shot] = field(default_factory=deque)
    _depths: deque[tuple[int, Image]] = field(default_factory=deque)
    _infos: deque[tuple[int, CameraInfo]] = field(default_factory=deque)
    _newest_tf_ns: int = 0
    _pictures: int = 0

    def shots(self) -> Iterator[Shot | Damaged]:
        for message in self.reader.messages([topic for topic in self.topics.tf if topic == TF_STATIC_TOPIC]):
            yield from self._take_transforms(message, static=True)
        for message in self.reader.messages([topic for topic in self.topics.all if topic != TF_STATIC_TOPIC]):
            yield from self._due(message.received_ns)
            yield from self._take(message)
        yield from self._all_waiting()

    def _take(self, message: BagMessage) -> Iterator[Shot | Damaged]:
        if message.topic == self.topics.image:
            self._take_picture(message)
        elif message.topic in self.topics.tf:
            yield from self._take_transforms(message, static=False)
        else:
            kept = self._depths if message.topic == self.topics.depth else self._infos
            yield from self._keep(message, kept)

    def _take_picture(self, message: BagMessage) -> None:
        number, self._pictures = self._pictures, self._pictures + 1
        if number < self.first or number % self.every:
            return
        try:
            image = message.decoded()
        except KosmosAgentError as error:
            image = error
        self._waiting.append(Shot(number, message.received_ns, image))

    def _take_transforms(self, message: BagMessage, *, static: bool) -> Iterator[Shot | Damaged]:
        try:
            transforms = message.decoded()
        except KosmosAgentError as error:
            yield Damaged(message.topic, message.received_ns, error)
            return
        if not static:
            yield from self._jumped(transforms)
        for refused in add_message(self.buffer, transforms, static=static):
            yield Damaged(message.topic, message.received_ns, refused)

    def _jumped(self, transforms: Any) -> Iterator[Shot]:
        """Time that went back ends all that was gathered; pictures from before it are answered with it first."""
        newest_ns = max((stamps.stamp_ns(item.header.stamp) for item in transforms.transforms), default=0)
        if newest_ns and newest_ns < self._newest_tf_ns - JUMP_NS:
            limit_ns = newest_ns + JUMP_NS
            while self._waiting and _from_before(self._waiting[0], limit_ns):
                yield self._completed(self._waiting.popleft())
            self.buffer.clear()
            self._depths = deque(entry for entry in self._depths if stamps.stamp_ns(entry[1].header.stamp) <= limit_ns)
            self._newest_tf_ns = 0
        self._newest_tf_ns = max(self._newest_tf_ns, newest_ns)

    def _keep(self, message: BagMessage, kept: deque[tuple[int, Any]]) -> Iterator[Damaged]:
        try:
            kept.append((message.received_ns, message.decoded()))
        except KosmosAgentError as error:
            yield Damaged(message.topic, message.received_ns, error)

    def _due(self, now_ns: int) -> Iterator[Shot]:
        while self._waiting and (len(self._waiting) >= MAX_WAITING or self._waiting[0].received_ns < now_ns - LATE_NS):
            yield self._completed(self._waiting.popleft())
        oldest_ns = (self._waiting[0].received_ns if self._waiting else now_ns) - LATE_NS
        # The last one is kept: some cameras say once what they are, and a node remembers too.
        for kept in (self._depths, self._infos):
            while len(kept) > 1 and kept[1][0] < oldest_ns:
                kept.popleft()

    def _all_waiting(self) -> Iterator[Shot]:
        while self._waiting:
            yield self._completed(self._waiting.popleft())

    def _completed(self, shot: Shot) -> Shot:
        if isinstance(shot.image, KosmosAgentError):
            return shot
        stamp_ns = stamps.stamp_ns(shot.image.header.stamp)
        return replace(shot, depth=_nearest(self._depths, stamp_ns), camera_info=_nearest(self._infos, stamp_ns))


def _from_before(shot: Shot, limit_ns: int) -> bool:
    return isinstance(shot.image, KosmosAgentError) or stamps.stamp_ns(shot.image.header.stamp) > limit_ns


def _nearest(kept: deque[tuple[int, Any]], stamp_ns: int) -> Any:
    """The message stamped nearest; None: there is none."""
    found = min(kept, key=lambda entry: abs(stamps.stamp_ns(entry[1].header.stamp) - stamp_ns), default=None)
    return None if found is None else found[1]
