"""The node's state in words, as diagnostic_msgs."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from std_msgs.msg import Header

from kosmos_ros.health import Snapshot

RECENT_S = 5.0
MAX_MESSAGE_CHARACTERS = 512
GRAVE = ("other", "bad_checkpoint", "unknown_model", "missing_dependency")
"""Faults of the node itself; all others are of what it is given."""


def status_message(
    name: str,
    snapshot: Snapshot,
    *,
    state: str,
    model: str,
    seen: int,
    image_age_s: float | None,
    max_age_s: float,
    clock_runs: bool = True,
) -> DiagnosticStatus:
    """state: the lifecycle's label. image_age_s: of the newest picture; None: there is none, or no clock to tell."""
    level, words = _verdict(snapshot, state, image_age_s, max_age_s, clock_runs)
    values = {
        "state": state,
        "model": model or "none loaded",
        "pictures seen": str(seen),
        "answered": str(snapshot.answered),
        "image age": "no picture" if image_age_s is None else f"{image_age_s:.3f} s",
        **{f"refused: {code}": str(count) for code, count in sorted(snapshot.refused.items())},
    }
    if snapshot.fault is not None:
        values["last fault"] = f"{snapshot.fault.code}: {snapshot.fault}"[:MAX_MESSAGE_CHARACTERS]
        values["last fault age"] = f"{snapshot.fault_age_s:.1f} s"
    values |= {f"mismatch {index}": words for index, words in enumerate(snapshot.mismatches, 1)}
    return DiagnosticStatus(
        level=level,
        name=f"{name}: grounding",
        message=words[:MAX_MESSAGE_CHARACTERS],
        hardware_id="",
        values=[KeyValue(key=key, value=value) for key, value in values.items()],
    )


def array_message(status: DiagnosticStatus, header: Header) -> DiagnosticArray:
    return DiagnosticArray(header=header, status=[status])


def _verdict(
    snapshot: Snapshot, state: str, image_age_s: float | None, max_age_s: float, clock_runs: bool
) -> tuple[bytes, str]:
    fault = snapshot.fault if snapshot.fault_age_s <= RECENT_S else None
    if fault is not None and fault.code in GRAVE:
        return DiagnosticStatus.ERROR, f"{fault.code}: {fault}"
    if state != "active":
        return DiagnosticStatus.OK, f"{state}: nothing is answered"
    if not clock_runs:
        return DiagnosticStatus.STALE, "the clock stands at 0: use_sim_time is set and nothing comes on /clock"
    if image_age_s is None or image_age_s > max_age_s:
        old = "no picture has arrived" if image_age_s is None else f"the newest picture is {image_age_s:.1f} s old"
        return DiagnosticStatus.STALE, old
    if fault is not None:
        return DiagnosticStatus.WARN, f"{fault.code}: {fault}"
    if snapshot.mismatches:
        return DiagnosticStatus.WARN, snapshot.mismatches[0]
    return DiagnosticStatus.OK, "answering"
