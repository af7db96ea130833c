"""Latencies of a loaded model, with what they depend on: threads, load, number type."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from kosmos_agent.inference.devices import synchronise

if TYPE_CHECKING:
    from kosmos_agent.cli._load import ModelChoice
    from kosmos_agent.grounder import Grounder

PHRASES = (
    "the red cup",
    "the blue box",
    "the plate",
    "the green bottle left of the bowl",
    "the largest ball",
    "the yellow banana",
    "the spoon",
    "the can behind the cup",
)
_WARM_UPS = 3


def latency_report(grounder: Grounder, image: Image.Image | None, choice: ModelChoice, repeat: int) -> dict[str, Any]:
    """Milliseconds of `view`, of `find` and of `find_all` with eight phrases; each timed `repeat` times, warm."""
    load = os.getloadavg()[0]
    picture = _noise() if image is None else image
    view = grounder.view(picture)
    device = grounder.model.device
    return {
        "model": grounder.name,
        "dtype": grounder.precision,
        "device": choice.device,
        "runtime": choice.runtime,
        "threads": torch.get_num_threads(),
        "cpus": os.cpu_count(),
        "load_average": load,
        "repeat": repeat,
        "picture": [picture.width, picture.height],
        "latency_ms": {
            "view": _timed(lambda: grounder.view(picture), repeat, device),
            "find_1": _timed(lambda: view.find(PHRASES[0]), repeat, device),
            "find_8": _timed(lambda: view.find_all(list(PHRASES)), repeat, device),
        },
    }


def _timed(call: Callable[[], object], repeat: int, device: torch.device) -> dict[str, float]:
    for _ in range(_WARM_UPS):
        call()
    synchronise(device)
    samples = []
    for _ in range(repeat):
        start = time.perf_counter()
        call()
        synchronise(device)
        samples.append(1000 * (time.perf_counter() - start))
    return {"median": statistics.median(samples), "min": min(samples), "max": max(samples)}


def _noise() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8))
