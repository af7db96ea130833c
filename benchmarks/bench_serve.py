"""A fleet against `kosmos-agent serve` on this machine: requests a second, latencies, overload, a killed replica.

python benchmarks/bench_serve.py [--quick] [--seconds S] [--only robots,overload,replica] [--page docs/serving.md]

Robots are clients over loopback in this process: each sends a picture of 640 x 480 and one phrase, waits for the answer
and sends the next. Every picture is new to the server (one pixel differs). At overload the server takes fewer requests
at a time than there are robots, and who is told to come again (429) waits as long as he is told. For the killed replica
there are two on Ray Serve; one is killed by signal while robots ask, and every request is to have its answer.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import itertools
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil
from PIL import Image
from serving_common import PAGE, Figures, machine, pictures, spread, table, told

PARTS = ("robots", "overload", "replica")
FLEETS = (1, 8, 64)
START_S, TIMEOUT_S = 300.0, 120.0


@dataclass
class Fleet:
    """What robots lived through. codes: status -> how often."""

    latencies_s: list[float] = field(default_factory=list)
    codes: dict[int, int] = field(default_factory=dict)
    seconds: float = 0.0

    def figures(self) -> Figures:
        asked = sum(self.codes.values())
        return {
            "answered_per_s": self.codes.get(200, 0) / self.seconds,
            "latency_ms": spread([1000 * value for value in self.latencies_s]),
            "codes": self.codes,
            "share_429": self.codes.get(429, 0) / max(asked, 1),
            "failed": asked - self.codes.get(200, 0) - self.codes.get(429, 0),
        }


@dataclass
class Server:
    """A `kosmos-agent serve` of its own process."""

    process: psutil.Process
    url: str

    def resident_mb(self) -> float:
        return self.process.memory_info().rss / 1e6

    def replicas(self) -> list[psutil.Process]:
        """Of Ray Serve, by the titles that Ray gives its processes."""
        found = []
        for process in self.process.children(recursive=True):
            with contextlib.suppress(psutil.Error):
                if process.cmdline()[:1] and "ServeReplica" in process.cmdline()[0]:
                    found.append(process)
        return found


@contextlib.contextmanager
def serving(arguments: Sequence[str], log: Path) -> Iterator[Server]:
    """Ready; ended by SIGTERM."""
    command = [sys.executable, "-m", "kosmos_agent", "serve", "--port", "0", *arguments]
    with log.open("w") as out, subprocess.Popen(command, stderr=out) as process:
        try:
            yield Server(psutil.Process(process.pid), _ready_url(process, log))
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(60)
            process.kill()


def _ready_url(process: subprocess.Popen[bytes], log: Path) -> str:
    end_s = time.monotonic() + START_S
    while time.monotonic() < end_s and process.poll() is None:
        match = re.search(r"serving at (http://\S+?),", log.read_text())
        with contextlib.suppress(httpx.HTTPError):
            if match is not None and httpx.get(f"{match[1]}/ready").status_code == 200:
                return match[1]
        time.sleep(0.2)
    raise SystemExit(f"the server did not start; see {log}")


async def drive(url: str, files: Iterator[tuple[bytes, str]], robots: int, seconds: float) -> Fleet:
    """A closed loop for each robot. What was asked before the end is waited for and counted."""
    fleet, start_s = Fleet(), time.monotonic()
    limits = httpx.Limits(max_connections=robots, max_keepalive_connections=robots)
    async with httpx.AsyncClient(base_url=url, limits=limits, timeout=TIMEOUT_S, trust_env=False) as http:
        await asyncio.gather(*(_robot(http, files, fleet, start_s + seconds) for _ in range(robots)))
    fleet.seconds = time.monotonic() - start_s
    return fleet


async def _robot(http: httpx.AsyncClient, files: Iterator[tuple[bytes, str]], fleet: Fleet, end_s: float) -> None:
    while time.monotonic() < end_s:
        image, phrase = next(files)
        begun_s = time.monotonic()
        try:
            answer = await http.post(
                "/v1/ground", data={"phrases": phrase, "timeout_s": TIMEOUT_S}, files={"image": image}
            )
            code, wait_s = answer.status_code, float(answer.headers.get("retry-after", 0))
        except httpx.HTTPError:
            code, wait_s = 0, 0.0
        fleet.codes[code] = fleet.codes.get(code, 0) + 1
        if code == 200:
            fleet.latencies_s.append(time.monotonic() - begun_s)
        await asyncio.sleep(wait_s)


def files_of(shown: Sequence[tuple[Any, str]]) -> Iterator[tuple[bytes, str]]:
    """Files of pictures no two of which are the same."""
    for number in itertools.count():
        rgb, phrase = shown[number % len(shown)]
        rgb = rgb.copy()
        rgb[0, 0] = (number >> 16 & 255, number >> 8 & 255, number & 255)
        file = io.BytesIO()
        Image.fromarray(rgb).save(file, "PPM")
        yield file.getvalue(), phrase


def robots(files: Iterator[tuple[bytes, str]], options: argparse.Namespace) -> list[Figures]:
    rows = []
    with serving(options.model_arguments, Path("bench-serve.log")) as server:
        asyncio.run(drive(server.url, files, 1, min(2.0, options.seconds)))
        for count in FLEETS:
            found = asyncio.run(drive(server.url, files, count, options.seconds)).figures()
            rows.append({"robots": count, "resident_mb": server.resident_mb(), **found})
    return rows


def overload(files: Iterator[tuple[bytes, str]], options: argparse.Namespace) -> Figures:
    """64 robots where 8 requests are taken at a time, and one who asks after the storm."""
    with serving([*options.model_arguments, "--max-requests", "8"], Path("bench-serve.log")) as server:
        asyncio.run(drive(server.url, files, 1, min(2.0, options.seconds)))
        before_mb = server.resident_mb()
        found = asyncio.run(drive(server.url, files, FLEETS[-1], options.seconds)).figures()
        after = asyncio.run(drive(server.url, files, 1, min(2.0, options.seconds))).figures()
        grown_mb = server.resident_mb() - before_mb
    return {"robots": FLEETS[-1], "max_requests": 8, "grown_mb": grown_mb, **found, "answered_after": after["codes"]}


def killed_replica(files: Iterator[tuple[bytes, str]], options: argparse.Namespace) -> Figures:
    arguments = [*options.model_arguments, "--engine", "ray", "--replicas", "2"]
    with serving(arguments, Path("bench-serve-ray.log")) as server:
        asyncio.run(drive(server.url, files, 2, min(2.0, options.seconds)))
        found, killed = asyncio.run(_with_a_kill(server, files, options.seconds))
        retried = Path("bench-serve-ray.log").read_text().count("its request goes to another")
    return {"robots": 8, "replicas": 2, "killed": killed, "retried": retried, **found.figures()}


async def _with_a_kill(server: Server, files: Iterator[tuple[bytes, str]], seconds: float) -> tuple[Fleet, int]:
    fleet = asyncio.create_task(drive(server.url, files, 8, seconds))
    await asyncio.sleep(seconds / 4)
    victims = server.replicas()[:1]
    for victim in victims:
        os.kill(victim.pid, signal.SIGKILL)
    return await fleet, len(victims)


def tables(found: Figures) -> dict[str, str]:
    made = {}
    if "robots" in found:
        head = ("robots", "answered/s", "latency p50, ms", "latency p95, ms", "429", "failed", "memory, MB")
        made["robots"] = table(
            head, [[row["robots"], *_cells(row), f"{row['resident_mb']:.0f}"] for row in found["robots"]]
        )
    if "overload" in found:
        row = found["overload"]
        head = (
            "robots",
            "taken at a time",
            "answered/s",
            "latency p50, ms",
            "p95, ms",
            "429",
            "failed",
            "memory grew, MB",
        )
        made["overload"] = table(head, [[row["robots"], row["max_requests"], *_cells(row), f"{row['grown_mb']:.0f}"]])
    if "replica" in found:
        row = found["replica"]
        head = (
            "replicas",
            "killed",
            "robots",
            "answered/s",
            "latency p50, ms",
            "p95, ms",
            "429",
            "failed",
            "asked again",
        )
        cells = [row["replicas"], row["killed"], row["robots"], *_cells(row), row["retried"]]
        made["replica"] = table(head, [cells])
    return made


def _cells(row: Figures) -> list[str]:
    latency = row["latency_ms"]
    p50, p95 = (f"{latency[key]:.0f}" if key in latency else "-" for key in ("p50", "p95"))
    return [f"{row['answered_per_s']:.1f}", p50, p95, f"{100 * row['share_429']:.0f} %", str(row["failed"])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three seconds of everything: does it run?")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each measurement")
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--model", default="tabletop")
    parser.add_argument("--runtime", default="torch", help="torch, openvino, or a folder with an export")
    parser.add_argument("--threads", type=int, default=None, help="CPU threads of each model, if not torch's choice")
    parser.add_argument("--out", type=Path, default=Path("bench-serve.json"))
    parser.add_argument("--page", type=Path, default=None, const=PAGE, nargs="?", help="put the tables on this page")
    options = parser.parse_args()
    parts = options.only.split(",")
    if set(parts) - set(PARTS):
        parser.error(f"--only {options.only}; valid: {', '.join(PARTS)}")
    options.seconds = 3.0 if options.quick else options.seconds
    threads = [] if options.threads is None else ["--threads", str(options.threads)]
    options.model_arguments = ["--model", options.model, "--runtime", options.runtime, *threads]
    measures = {"robots": robots, "overload": overload, "replica": killed_replica}
    found: Figures = {"machine": machine(), "seconds": options.seconds}
    files = files_of(pictures(4))
    for part in parts:
        found[part] = measures[part](files, options)
    told(found, tables(found), options.out, options.page)


if __name__ == "__main__":
    main()
