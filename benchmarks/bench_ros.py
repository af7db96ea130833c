"""The ROS wing's figures with real processes: a camera, the grounding node, and this one, which listens.

python benchmarks/bench_ros.py [--quick] [--only stream,cancel] [--zoom never] [--both-ways never] [--out FILE.json]

Latency is from the stamp, taken when the camera sends the picture, to the detections heard here, on one clock; pictures
of 640 x 480 at 30 Hz, raw, with the project's Fast DDS profile. The node looks at the newest picture only: those that
came while it looked are seen and passed over, and count as lost only where the node's own count lacks them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import ros_bench_figures as figures
from kosmos_ros.domains import free_domain_id
from kosmos_sim.world import Tabletop
from rich.console import Console
from rich.table import Table
from ros_bench_graph import APPEAR_S, running_node

from kosmos_agent.version import __version__

WISHES = ("auto", "always", "never")
PARTS = ("start", "stream", "cancel", "memory")
FULL = {"repeats": 3, "frames": 900, "cancels": 40, "memory": (100, 10_000)}
QUICK = {"repeats": 1, "frames": 90, "cancels": 5, "memory": (30, 150)}


def measured(parts: list[str], sizes: dict[str, Any], parameters: dict[str, Any], domain_id: int) -> dict[str, Any]:
    """parameters: of the grounding node."""
    with tempfile.TemporaryDirectory() as folder:
        picture, log = Path(folder) / "picture.npy", Path("bench-ros.log")
        with Tabletop.random(7) as world:
            np.save(picture, world.observe().rgb, allow_pickle=False)
        found: dict[str, Any] = {}
        parameters = {**parameters, "diagnostics_period_sec": 0.2}
        if "start" in parts:
            found["start"] = figures.start_up(picture, domain_id, parameters, log, sizes["repeats"])
        if set(parts) - {"start"}:
            with running_node(picture, domain_id, parameters, log) as bench:
                bench.until(lambda: bench.ears.ground.server_is_ready(), APPEAR_S, "the node")
                bench.until(lambda: bench.ears.phrases.get_subscription_count(), APPEAR_S, "the node to be active")
                if "stream" in parts:
                    counts = (1, len(figures.PHRASES))
                    found["stream"] = [figures.stream(bench, figures.PHRASES[:n], sizes["frames"]) for n in counts]
                if "cancel" in parts:
                    found["cancel"] = figures.cancels(bench, sizes["cancels"])
                if "memory" in parts:
                    found["memory"] = figures.memory(bench, *sizes["memory"])
        return found


def machine() -> dict[str, Any]:
    return {
        "version": __version__,
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg()[0],
    }


def table(found: dict[str, Any]) -> Table:
    sheet = Table("figure", "n", "median", "p95", "worst")

    def row(name: str, values: dict[str, Any], unit: str) -> None:
        numbers = [f"{values[key]:.1f} {unit}" if key in values else "-" for key in ("median", "p95", "max")]
        sheet.add_row(name, str(values["n"]), *numbers)

    if "start" in found:
        row("start to first answer", found["start"]["start_to_first_answer_s"], "s")
    for item in found.get("stream", ()):
        words = f"image to detections, {item['phrases']} phrase{'s' if item['phrases'] > 1 else ''}"
        row(words, item["image_to_detections_ms"], "ms")
        sheet.add_row("  frames lost", f"{item['lost']} of {item['sent']}", "", "", "")
    if "cancel" in found:
        row("cancel of a caption", found["cancel"]["cancel_to_end_ms"], "ms")
    if "memory" in found:
        first, last = found["memory"]["frames"]
        growth = found["memory"]["growth_percent"]
        words = f"memory, {last} frames against {first}"
        sheet.add_row(words, "", f"{growth['rss']:+.1f} % resident", f"{growth['own']:+.1f} % own", "")
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few of everything: does it run?")
    parser.add_argument("--only", default=",".join(PARTS), help=f"of {', '.join(PARTS)}")
    parser.add_argument("--model", default="tabletop")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads of the model; 0: as the node does")
    parser.add_argument("--zoom", choices=WISHES, default="auto", help="the node's parameter")
    parser.add_argument("--both-ways", choices=WISHES, default="auto", help="the node's parameter")
    parser.add_argument("--domain-id", type=int, default=None, help="a free one where it is not given")
    parser.add_argument("--out", type=Path, default=Path("bench-ros.json"))
    options = parser.parse_args()
    parts = options.only.split(",")
    if set(parts) - set(PARTS):
        parser.error(f"--only {options.only}; valid: {', '.join(PARTS)}")
    sizes = QUICK if options.quick else FULL
    before = machine()
    domain_id = free_domain_id() if options.domain_id is None else options.domain_id
    parameters = {
        "model_path": options.model,
        "threads": options.threads,
        "zoom": options.zoom,
        "both_ways": options.both_ways,
    }
    found = measured(parts, sizes, parameters, domain_id)
    told = {"quick": options.quick, "machine": before, "parameters": parameters, **found}
    options.out.write_text(json.dumps(told, indent=1) + "\n")
    Console().print(table(found))
    print(options.out)


if __name__ == "__main__":
    main()
