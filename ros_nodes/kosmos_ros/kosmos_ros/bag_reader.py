"""Recordings of ROS 2 (rosbag2, sqlite3 or mcap) read as rclpy's messages, without a graph."""

from __future__ import annotations

import os
import struct
import sys
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import apsw
from rclpy.serialization import deserialize_message
from rosbags.highlevel import AnyReader, AnyReaderError
from rosbags.rosbag2 import ReaderError
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from tf2_msgs.msg import TFMessage

from kosmos_agent.errors import CameraModelError, InvalidArgumentError, InvalidImageError, KosmosAgentError
from kosmos_ros.errors import BadTransformError

IMAGE, COMPRESSED = "sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"
CAMERA_INFO, TF = "sensor_msgs/msg/CameraInfo", "tf2_msgs/msg/TFMessage"
CLASSES: dict[str, Any] = {IMAGE: Image, COMPRESSED: CompressedImage, CAMERA_INFO: CameraInfo, TF: TFMessage}
"""What is read of a bag; the rest of it is passed over."""

_OWN_PACKAGES = ("kosmos_interfaces", "vision_msgs")
_DAMAGED: dict[str, type[KosmosAgentError]] = {
    IMAGE: InvalidImageError,
    COMPRESSED: InvalidImageError,
    CAMERA_INFO: CameraModelError,
    TF: BadTransformError,
}


@dataclass(frozen=True)
class BagMessage:
    """cdr: as it came over the wire. received_ns: when it was recorded, on the recorder's clock."""

    topic: str
    type_name: str
    received_ns: int
    cdr: bytes

    def decoded(self) -> Any:
        """rclpy's message; for a damaged one the error that its kind is refused with (`InvalidImageError`, ...)."""
        try:
            return deserialize_message(self.cdr, CLASSES[self.type_name])
        except (RuntimeError, UnicodeDecodeError) as error:
            kind = _DAMAGED[self.type_name]
            raise kind(f"a damaged {self.type_name} of {len(self.cdr)} bytes on {self.topic}: {error}") from error


class BagReader:
    """An open recording; `open_bag` makes it."""

    def __init__(self, reader: AnyReader, path: Path) -> None:
        self._reader, self._path = reader, path
        self.types: dict[str, str] = {
            name: info.msgtype for name, info in reader.topics.items() if info.msgtype is not None and info.msgcount
        }
        """Name of each topic that holds messages -> its type."""
        self._check_versions()

    def count(self, topic: str) -> int:
        return int(self._reader.topics[topic].msgcount)

    def topics_of(self, *type_names: str) -> list[str]:
        return sorted(topic for topic, name in self.types.items() if name in type_names)

    def messages(self, topics: Collection[str]) -> Iterator[BagMessage]:
        """In the order in which they were recorded. No topics: no messages. InvalidArgumentError: the file is torn."""
        wanted = [connection for connection in self._reader.connections if connection.topic in topics]
        if not wanted:
            return
        with _reading(self._path):
            for connection, received_ns, cdr in self._reader.messages(wanted):
                yield BagMessage(connection.topic, connection.msgtype, received_ns, bytes(cdr))

    def _check_versions(self) -> None:
        """Messages of another version than ours would be read as nonsense: the type hashes tell."""
        known = get_typestore(Stores.ROS2_KILTED)
        for name in CLASSES.keys() & set(self.types.values()):
            theirs, ours = self._reader.typestore.hash_rihs01(name), known.hash_rihs01(name)
            if theirs != ours:
                raise InvalidArgumentError(
                    f"the bag's {name} has type hash {theirs[:15]}..., ours {ours[:15]}...: another version of the "
                    "message; valid: a bag recorded with ROS 2 Iron or later, or converted to it"
                )


@contextmanager
def open_bag(path: Path) -> Iterator[BagReader]:
    """A folder with metadata.yaml, or one .mcap or .db3 file. InvalidArgumentError says what is wrong with it."""
    if not path.exists():
        raise InvalidArgumentError(f"{path} does not exist; valid: the folder of a bag, or its .mcap or .db3 file")
    if path.suffix == ".bag":
        raise InvalidArgumentError(f"{path} is a bag of ROS 1; turn it into one of ROS 2 first, with rosbags-convert")
    with ExitStack() as stack:
        with _reading(path):
            reader = stack.enter_context(AnyReader([path], default_typestore=typestore()))
            bag = BagReader(reader, path)
        yield bag


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    """What rosbags and the readers below it raise over a file that is none of theirs, or torn."""
    try:
        yield
    except (AnyReaderError, ReaderError, FileNotFoundError, UnicodeDecodeError, struct.error, apsw.Error) as error:
        raise InvalidArgumentError(f"{path} cannot be read as a bag: {error}") from error


def typestore() -> Typestore:
    """rosbags' own definitions of ROS 2 Kilted, and ours with the vision_msgs that they use, as installed."""
    store = get_typestore(Stores.ROS2_KILTED)
    for package in _OWN_PACKAGES:
        for path in _definitions(package):
            name = f"{package}/msg/{path.stem}"
            if name not in store.fielddefs:
                store.register(get_types_from_msg(path.read_text(encoding="utf-8"), name))
    return store


def _definitions(package: str) -> list[Path]:
    """The .msg files of an installed package; none where only its Python part is there."""
    prefixes = [*os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep), sys.prefix]
    for prefix in filter(None, prefixes):
        found = sorted((Path(prefix) / "share" / package / "msg").glob("*.msg"))
        if found:
            return found
    return []
