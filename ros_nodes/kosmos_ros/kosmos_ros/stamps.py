"""Nanoseconds and seconds <-> ROS's times, durations and headers."""

from __future__ import annotations

from builtin_interfaces.msg import Duration, Time
from std_msgs.msg import Header

from kosmos_agent.errors import InvalidArgumentError

NS_PER_S = 1_000_000_000
MAX_SECONDS = 2**31 - 1


def stamp_ns(stamp: Time) -> int:
    """0 where it was never set."""
    return int(stamp.sec) * NS_PER_S + int(stamp.nanosec)


def time_message(stamp_ns: int | None) -> Time:
    """None becomes 0, ROS's "never set". InvalidArgumentError: before 1970 or past 2038."""
    seconds, nanoseconds = divmod(stamp_ns or 0, NS_PER_S)
    if not 0 <= seconds <= MAX_SECONDS:
        raise InvalidArgumentError(f"a stamp of {stamp_ns} ns; valid: 0 to {MAX_SECONDS} s")
    return Time(sec=seconds, nanosec=nanoseconds)


def duration_s(duration: Duration) -> float:
    return float(duration.sec) + float(duration.nanosec) / NS_PER_S


def duration_message(seconds: float) -> Duration:
    """To the nanosecond, negative ones too; InvalidArgumentError past 2^31 s or not finite."""
    if not -MAX_SECONDS <= seconds <= MAX_SECONDS:
        raise InvalidArgumentError(f"a duration of {seconds} s; valid: {-MAX_SECONDS} to {MAX_SECONDS}")
    whole, nanoseconds = divmod(round(seconds * NS_PER_S), NS_PER_S)
    return Duration(sec=whole, nanosec=nanoseconds)


def header(frame_id: str, stamp_ns: int | None) -> Header:
    return Header(stamp=time_message(stamp_ns), frame_id=frame_id)
