"""Latencies of a loaded model, with what they depend on: threads, load, number type, who else was busy."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import torch
from PIL import Image

from kosmos_agent.benchmarking.rounds import Plan, time_in_turn
from kosmos_agent.benchmarking.timing import Timing
from kosmos_agent.benchmarking.works import noise_picture

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
_SAMPLE_S = 0.1


def latency_report(grounder: Grounder, image: Image.Image | None, choice: ModelChoice, repeat: int) -> dict[str, Any]:
    """Milliseconds, in turn, `repeat` samples of each.

    view: a picture is looked at and read. find_1, find_8: a phrase, and eight, on one that has been. new_1: a phrase on
    a new picture, both read in one pass.
    """
    load = os.getloadavg()[0]
    picture = noise_picture() if image is None else image
    view = grounder.view(picture)
    threads = choice.threads or torch.get_num_threads()
    plan = Plan(threads, wanted=repeat, patience=1, sample_s=_SAMPLE_S, device=grounder.model.device)
    timings = time_in_turn(
        {
            "view": lambda: grounder.view(picture).encoded.prefix,
            "find_1": lambda: view.find(PHRASES[0]),
            "find_8": lambda: view.find_all(PHRASES),
            "new_1": lambda: grounder.view(picture).find(PHRASES[0]),
        },
        plan,
    )
    return {
        "model": grounder.name,
        "dtype": grounder.precision,
        "device": choice.device,
        "runtime": choice.runtime,
        "threads": threads,
        "cpus": os.cpu_count(),
        "load_average": load,
        "repeat": repeat,
        "picture": [picture.width, picture.height],
        "latency_ms": {name: _entry(timing) for name, timing in timings.items()},
    }


def _entry(timing: Timing) -> dict[str, Any]:
    rest = timing.model_dump(exclude={"median_ms", "min_ms", "max_ms"})
    return {"median": timing.median_ms, "min": timing.min_ms, "max": timing.max_ms, **rest}
