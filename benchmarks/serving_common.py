"""What the benchmarks of serving share: pictures, phrases, spreads, and where their tables go."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from kosmos_sim.world import Tabletop
from numpy.typing import NDArray

from kosmos_agent.marks import filled
from kosmos_agent.version import __version__

Figures = dict[str, Any]
PAGE = Path(__file__).parents[1] / "docs" / "serving.md"


def pictures(count: int) -> list[tuple[NDArray[np.uint8], str]]:
    """Simulated tables as a camera of 640 x 480 sees them, each with a phrase for a thing on it."""
    seen = []
    for seed in range(count):
        with Tabletop.random(seed) as world:
            target = world.target
            seen.append((world.observe().rgb, f"the {target.colour} {target.category}"))
    return seen


def machine() -> Figures:
    return {
        "version": __version__,
        "python": platform.python_version(),
        "cpus": os.cpu_count(),
        "load_average": os.getloadavg()[0],
    }


def spread(values: Sequence[float]) -> Figures:
    if not values:
        return {"n": 0}
    median, p95 = np.percentile(values, [50, 95])
    return {"n": len(values), "p50": float(median), "p95": float(p95), "max": float(max(values))}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Markdown."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def told(figures: Figures, tables: Mapping[str, str], out: Path, page: Path | None) -> None:
    """JSON to `out`, the tables to the terminal and between their marks on the page."""
    out.write_text(json.dumps(figures, indent=1) + "\n")
    for words in tables.values():
        print(words, end="\n\n")
    if page is not None:
        page.write_text(filled(page.read_text(encoding="utf-8"), tables), encoding="utf-8")
    print(out)
