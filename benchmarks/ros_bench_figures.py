"""The measurements of the ROS benchmark. Each gives what it saw as a mapping of plain numbers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from action_msgs.msg import GoalStatus
from kosmos_interfaces.action import Ground
from ros_bench_graph import APPEAR_S, Bench, reported, running_node

from kosmos_agent.cli._measure import PHRASES

RATE_HZ = 30.0
IDLE_RATE_HZ = 10.0
DIAGNOSED_S = 3.0
"""After the last picture, until the node has told how many it saw."""

Figures = dict[str, Any]


def start_up(picture: Path, domain_id: int, parameters: Figures, log: Path, repeats: int) -> Figures:
    """Seconds from the start of the node's process to its first answer heard here; a camera runs already."""
    seconds = []
    for _ in range(repeats):
        with (
            running_node(picture, domain_id, {**parameters, "phrases": PHRASES[:1]}, log) as bench,
            bench.camera(10**6, IDLE_RATE_HZ),
        ):
            bench.until(lambda: bench.ears.first_answer_s is not None, APPEAR_S, "the first answer")
            seconds.append((bench.ears.first_answer_s or 0.0) - bench.started_s)
    return {"repeats": repeats, "start_to_first_answer_s": spread(seconds)}


def stream(bench: Bench, phrases: Sequence[str], frames: int) -> Figures:
    """Latency of standing phrases on a camera at 30 Hz, and how many of its pictures the node never saw."""
    bench.say_phrases(phrases)
    bench.ears.taken()
    before = bench.ears.seen
    with bench.camera(frames, RATE_HZ) as camera:
        sent = reported(camera, 2 * frames / RATE_HZ + APPEAR_S)
    time.sleep(DIAGNOSED_S)
    latencies_ms = bench.ears.taken()
    seen = bench.ears.seen - before
    return {
        "phrases": len(phrases),
        "camera_hz": sent["rate_hz"],
        "camera_late": sent["late"],
        "sent": sent["sent"],
        "seen": seen,
        "lost": sent["sent"] - seen,
        "answered": len(latencies_ms),
        "image_to_detections_ms": spread(latencies_ms),
    }


def cancels(bench: Bench, count: int) -> Figures:
    """Milliseconds from asking for a cancel, while a caption is written, to the goal's state `canceled` heard here.

    finished: captions that were written before the cancel reached them; they do not count.
    """
    bench.say_phrases(())
    milliseconds: list[float] = []
    finished = 0
    with bench.camera(10**6, IDLE_RATE_HZ):
        before = bench.ears.seen
        bench.until(lambda: bench.ears.seen > before, APPEAR_S, "pictures")
        while len(milliseconds) < count and finished < 4 * count:
            elapsed_ms = _cancelled_ms(bench)
            if elapsed_ms is None:
                finished += 1
            else:
                milliseconds.append(elapsed_ms)
    return {"cancelled": len(milliseconds), "finished": finished, "cancel_to_end_ms": spread(milliseconds)}


def memory(bench: Bench, first: int, last: int) -> Figures:
    """Resident memory of the node after its first and last many pictures, one phrase standing."""
    bench.say_phrases(PHRASES[:1])
    start, rows = bench.ears.seen, {}
    with bench.camera(last + 100, RATE_HZ):
        for count in (first, last):
            wanted = count
            bench.until(
                lambda wanted=wanted: bench.ears.seen - start >= wanted, 3 * count / RATE_HZ + APPEAR_S, "pictures"
            )
            rows[count] = bench.resident_bytes()
    growth = {name: 100 * (rows[last][name] / rows[first][name] - 1) for name in rows[first]}
    return {"frames": [first, last], "bytes": list(rows.values()), "growth_percent": growth}


def spread(values: Sequence[float]) -> Figures:
    if not values:
        return {"n": 0}
    median, p95 = np.percentile(values, [50, 95])
    return {"n": len(values), "median": float(median), "p95": float(p95), "max": float(max(values))}


def _cancelled_ms(bench: Bench) -> float | None:
    """None: the goal ended by itself first."""
    session, writing = bench.ears.session, []

    def hear(message: Any) -> None:
        if message.feedback.phase == Ground.Feedback.WRITING:
            writing.append(message.feedback.tokens)

    goal = Ground.Goal(task=Ground.Goal.CAPTION)
    handle = session.result(bench.ears.ground.send_goal_async(goal, feedback_callback=hear), APPEAR_S, "the goal")
    if not handle.accepted:
        raise SystemExit("the node rejected a caption")
    result = handle.get_result_async()
    ended: list[float] = []
    result.add_done_callback(lambda _: ended.append(time.monotonic()))
    while not writing and not ended:
        time.sleep(0.001)
    asked_s = time.monotonic()
    handle.cancel_goal_async()
    bench.until(lambda: bool(ended), APPEAR_S, "the end of the goal")
    status = result.result().status
    return 1e3 * (ended[0] - asked_s) if status == GoalStatus.STATUS_CANCELED else None
