"""The processes of the ROS benchmark: the grounding node as users start it, a camera, and what is heard of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from kosmos_interfaces.action import Ground
from kosmos_interfaces.msg import Grounding
from kosmos_ros import qos, stamps
from kosmos_ros.environment import for_process
from kosmos_ros.graph import GROUNDING
from kosmos_ros.processes import Processes, Program
from kosmos_ros.session import Session, open_session
from rclpy.action import ActionClient
from std_msgs.msg import String
from vision_msgs.msg import Detection2DArray

HERE = Path(__file__).parent
APPEAR_S = 120.0


@dataclass
class Ears:
    """What the node says. latencies_ms: from a picture's stamp to its detections here, in order."""

    session: Session
    latencies_ms: list[float] = field(default_factory=list)
    answers: int = 0
    first_answer_s: float | None = None
    seen: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        node, group = self.session.node, self.session.group
        output = qos.profile("output")
        node.create_subscription(
            Detection2DArray, "/grounding/detections", self._detected, output, callback_group=group
        )
        node.create_subscription(Grounding, "/grounding/answers", self._answered, output, callback_group=group)
        node.create_subscription(DiagnosticArray, "/diagnostics", self._diagnosed, output, callback_group=group)
        self.phrases = node.create_publisher(String, "/grounding/phrases", output)
        self.ground = ActionClient(node, Ground, "/grounding/ground", callback_group=group)

    def taken(self) -> list[float]:
        """The latencies since the last call."""
        with self.lock:
            taken, self.latencies_ms = self.latencies_ms, []
        return taken

    def _detected(self, message: Detection2DArray) -> None:
        now_ns = time.time_ns()
        with self.lock:
            self.latencies_ms.append((now_ns - stamps.stamp_ns(message.header.stamp)) / 1e6)

    def _answered(self, message: Grounding) -> None:
        if message.status == Grounding.REFUSED:
            return
        self.answers += 1
        if self.first_answer_s is None:
            self.first_answer_s = time.monotonic()

    def _diagnosed(self, message: DiagnosticArray) -> None:
        for status in message.status:
            for item in status.values:
                if item.key == "pictures seen":
                    self.seen = int(item.value)


@dataclass(frozen=True)
class Bench:
    """node: the running process. log: what it printed."""

    ears: Ears
    processes: Processes
    picture: Path
    started_s: float

    @property
    def pid(self) -> int:
        pid = self.processes.pid(GROUNDING.name)
        if pid is None:
            raise SystemExit("the grounding node ended; its output says why")
        return pid

    def until(self, ready: Any, timeout_s: float, what: str) -> None:
        """Ends the benchmark with words where it does not come true."""
        if not self.ears.session.until(
            ready, timeout_s, lambda: None if self.processes.running(GROUNDING.name) else "ended"
        ):
            raise SystemExit(f"waited {timeout_s:g} s for {what}")

    def say_phrases(self, phrases: Sequence[str]) -> None:
        self.ears.phrases.publish(String(data="\n".join(phrases)))

    def resident_bytes(self) -> dict[str, int]:
        """Of the node's process: all that is resident, and of it what is its own (neither files nor shared memory)."""
        fields = dict(line.split(":", 1) for line in Path(f"/proc/{self.pid}/status").read_text().splitlines())
        return {name: 1024 * int(fields[key].split()[0]) for name, key in (("rss", "VmRSS"), ("own", "RssAnon"))}

    @contextmanager
    def camera(self, count: int, rate_hz: float) -> Iterator[subprocess.Popen[str]]:
        """A process of its own; ended when left."""
        command = [sys.executable, str(HERE / "ros_bench_camera.py"), str(self.picture)]
        process = subprocess.Popen(
            [*command, "--count", str(count), "--rate-hz", str(rate_hz)], stdout=subprocess.PIPE, text=True
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)
            process.wait(30)


@contextmanager
def running_node(picture: Path, domain_id: int, parameters: dict[str, Any], log: Path) -> Iterator[Bench]:
    """The grounding node, started now and active once its model is loaded."""
    spec = replace(GROUNDING, parameters={"autostart": True, "use_depth": False, **parameters})
    variables = for_process(domain_id=domain_id, discovery="LOCALHOST")
    os.environ.update(variables)
    with log.open("a") as file, open_session(domain_id) as session:
        ears = Ears(session)
        started_s = time.monotonic()
        with Processes([Program.of(spec)], variables, lambda line: print(line, file=file, flush=True)) as processes:
            processes.event(APPEAR_S)
            yield Bench(ears, processes, picture, started_s)


def reported(camera: subprocess.Popen[str], timeout_s: float) -> dict[str, Any]:
    """What a camera printed at its end."""
    said, _ = camera.communicate(timeout=timeout_s)
    if not said.strip():
        raise SystemExit(f"the camera's process said nothing and ended with status {camera.returncode}")
    return dict(json.loads(said.strip().splitlines()[-1]))
