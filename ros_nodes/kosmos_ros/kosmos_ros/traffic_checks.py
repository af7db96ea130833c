"""What is wrong with what is said: clocks that stand, pictures that are old, frames that tf does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from diagnostic_msgs.msg import DiagnosticStatus

from kosmos_agent.errors import KosmosAgentError
from kosmos_ros import stamps
from kosmos_ros.environment import PROFILE_FILE
from kosmos_ros.faults import Fault, bounded
from kosmos_ros.listening import Heard
from kosmos_ros.settings import GroundingSettings

_LEVELS = {DiagnosticStatus.WARN: "warns", DiagnosticStatus.ERROR: "is in error", DiagnosticStatus.STALE: "is stale"}


def check_clock(heard: Heard, uses_sim_time: Mapping[str, bool], publishers: int) -> Iterator[Fault]:
    """uses_sim_time: of each node that answered; the simulation itself, which makes the clock, left out."""
    simulated = [name for name, uses in uses_sim_time.items() if uses]
    if 0 < len(simulated) < len(uses_sim_time):
        others = ", ".join(name for name, uses in uses_sim_time.items() if not uses)
        yield Fault(
            "clocks_differ",
            "/clock",
            f"{', '.join(simulated)} go by /clock, {others} by the wall's clock",
            "give all of them the same use_sim_time",
        )
    if not simulated:
        return
    if not heard.clocks_ns:
        why = "nobody publishes it" if publishers == 0 else "its publisher says nothing"
        yield Fault(
            "no_clock",
            "/clock",
            f"{', '.join(simulated)} go by it and {why}",
            "start the simulation or the recording, or set use_sim_time to false",
        )
    elif heard.went_back:
        yield Fault(
            "clock_back", "/clock", "went back while we listened", "one publisher alone; a recording must not loop"
        )
    elif heard.clocks_ns[0] == heard.clocks_ns[-1]:
        yield Fault("stale_clock", "/clock", "stands still", "is the simulation or the recording paused? let it run")


def check_cameras(
    heard: Heard, topics: Mapping[str, int], settings: GroundingSettings, *, simulated: bool
) -> Iterator[Fault]:
    """topics: camera_info topics that the grounding node hears, with the number of their publishers."""
    for topic, publishers in topics.items():
        if topic not in heard.cameras:
            if publishers:
                yield Fault(
                    "silent", topic, "has a publisher that says nothing", "does the camera run? look at its log"
                )
            continue
        age_s = heard.ages_s.get(topic)
        if age_s is not None and age_s > settings.max_image_age_sec:
            clock = "/clock" if simulated else "the wall's clock"
            yield Fault(
                "stale_pictures",
                topic,
                f"stamps are {age_s:.1f} s old by {clock} when they come, allowed are {settings.max_image_age_sec:g} s",
                "set the machines' clocks by NTP, use_sim_time alike everywhere, or max_image_age_sec higher",
            )
        elif age_s is not None and age_s < -settings.max_clock_skew_sec:
            yield Fault(
                "clock_skew",
                topic,
                f"stamps lie {-age_s:.1f} s in the future, allowed are {settings.max_clock_skew_sec:g} s",
                "set the machines' clocks by NTP, and use_sim_time alike everywhere",
            )
        yield from _frames(heard, topic, settings)


def check_diagnostics(heard: Heard, nodes: tuple[str, ...]) -> Iterator[Fault]:
    """What our nodes say of themselves."""
    for status in heard.statuses.values():
        if not nodes or not status.name.startswith(nodes):
            continue
        if status.level in _LEVELS:
            words = f"{_LEVELS[status.level]}: {bounded(status.message)}"
            yield Fault("diagnostics", bounded(status.name), words, "its message says what is missing")
        for value in status.values:
            if value.key.startswith("mismatch ") and PROFILE_FILE in value.value:
                yield Fault("no_profile", bounded(status.name), bounded(value.value), "as it says, then start it again")


def _frames(heard: Heard, topic: str, settings: GroundingSettings) -> Iterator[Fault]:
    if not settings.use_depth:
        return
    header, target = heard.cameras[topic].header, settings.target_frame
    try:
        heard.transforms.wait_for(target, header.frame_id, stamps.stamp_ns(header.stamp), 1.0)
    except KosmosAgentError as error:
        yield Fault(
            "no_transform",
            header.frame_id or topic,
            f"from the camera's frame to {target}: {error}",
            f"publish the camera's pose: ros2 run tf2_ros static_transform_publisher --frame-id {target} "
            f"--child-frame-id {header.frame_id or 'CAMERA'}, or set grounding.target_frame to a frame that there is",
        )
