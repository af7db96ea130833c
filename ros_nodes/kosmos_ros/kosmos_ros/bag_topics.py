"""Which topics of a recording are the camera's: those that are named, else the only ones of their kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from kosmos_agent.errors import InvalidArgumentError, InvalidImageError
from kosmos_ros.bag_reader import CAMERA_INFO, COMPRESSED, IMAGE, TF, BagReader
from kosmos_ros.depth_images import ENCODINGS as DEPTH_ENCODINGS

TF_TOPIC, TF_STATIC_TOPIC = "/tf", "/tf_static"
_NAMES_IN_MESSAGES = 12


@dataclass(frozen=True)
class BagTopics:
    """depth, camera_info: None where the recording holds none: then there are no targets in metres."""

    image: str
    depth: str | None
    camera_info: str | None
    tf: tuple[str, ...]

    @property
    def all(self) -> tuple[str, ...]:
        named = (self.image, self.depth, self.camera_info, *self.tf)
        return tuple(topic for topic in named if topic is not None)


def choose(
    reader: BagReader, *, image: str | None = None, depth: str | None = None, camera_info: str | None = None
) -> BagTopics:
    """InvalidArgumentError lists the candidates: a named topic that is not there, several that may be meant, or none.

    Colour and depth pictures are of one type: the encoding of the first one tells.
    """
    depth_topics = [topic for topic in reader.topics_of(IMAGE) if _is_depth(reader, topic)]
    colour_topics = [topic for topic in reader.topics_of(IMAGE, COMPRESSED) if topic not in depth_topics]
    chosen = _named(image, colour_topics, "--image-topic") or _only(
        _without_copies(reader, colour_topics), "colour pictures", "--image-topic"
    )
    if chosen is None:
        held = ", ".join(f"{topic} ({name})" for topic, name in sorted(reader.types.items())[:_NAMES_IN_MESSAGES])
        raise InvalidArgumentError(f"the bag holds no colour pictures; it holds: {held or 'nothing'}")
    return BagTopics(
        image=chosen,
        depth=_named(depth, depth_topics, "--depth-topic") or _only(depth_topics, "depth pictures", "--depth-topic"),
        camera_info=_camera_info(reader, chosen, camera_info),
        tf=tuple(topic for topic in reader.topics_of(TF) if topic in (TF_TOPIC, TF_STATIC_TOPIC)),
    )


def _camera_info(reader: BagReader, image: str, named: str | None) -> str | None:
    """Where it is not named, the one beside the picture: that is where image_transport looks."""
    topics = reader.topics_of(CAMERA_INFO)
    if named is not None:
        return _named(named, topics, "--camera-info-topic")
    beside = f"{_base(image).rpartition('/')[0]}/camera_info"
    return beside if beside in topics else _only(topics, "camera_info", "--camera-info-topic")


def _named(name: str | None, topics: Sequence[str], option: str) -> str | None:
    if name is None:
        return None
    name = f"/{name.strip('/')}"
    if name not in topics:
        raise InvalidArgumentError(f"{option} {name}: the bag holds none such; valid: {', '.join(topics) or 'none'}")
    return name


def _only(topics: Sequence[str], what: str, option: str) -> str | None:
    if len(topics) > 1:
        raise InvalidArgumentError(f"the bag holds {what} on {', '.join(topics)}; say which with {option}")
    return topics[0] if topics else None


def _without_copies(reader: BagReader, topics: Sequence[str]) -> list[str]:
    """`X/compressed` beside `X` is the same picture, less well kept."""
    return [topic for topic in topics if reader.types[topic] == IMAGE or _base(topic) not in topics]


def _base(topic: str) -> str:
    return topic.removesuffix("/compressed")


def _is_depth(reader: BagReader, topic: str) -> bool:
    """By the first picture that can be read."""
    for message in reader.messages([topic]):
        try:
            return message.decoded().encoding in DEPTH_ENCODINGS
        except InvalidImageError:
            continue
    return False
