"""Where a frame with eight phrases spends its milliseconds, by part of the model and by operation."""

from __future__ import annotations

import operator
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from PIL import Image
from pydantic import BaseModel, ConfigDict
from torch import nn
from torch.profiler import ProfilerActivity, profile

from kosmos_agent.benchmarking.stages import torch_model
from kosmos_agent.benchmarking.works import PHRASES
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.devices import synchronise
from kosmos_agent.model.kosmos2 import Kosmos2

_OPERATIONS = 12
_WARM_UPS = 3
_REST = "the rest"
_DECODER = "decoder"
_DECODER_PARTS = {"self_attn": "attention", "ffn": "feed-forward"}


class Part(BaseModel):
    """stage: as in an answer's `timings_ms`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    stage: str
    part: str
    milliseconds: float


class Operation(BaseModel):
    """share: of the time that all operations take by themselves, under the profiler."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    calls: int
    share: float


class Breakdown(BaseModel):
    """frames: whose medians the parts are; they add up to about `total_ms`, the median of whole frames.

    precision: the number type; None in reports of before it was told.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    frames: int
    phrases: int
    total_ms: float
    parts: list[Part]
    operations: list[Operation]
    precision: str | None = None


def break_down(grounder: Grounder, picture: Image.Image, frames: int = 20) -> Breakdown:
    """One look at a picture and eight phrases, `frames` times."""
    for _ in range(_WARM_UPS):
        grounder.view(picture).find_all(PHRASES)
    rows = [_one_frame(grounder, picture) for _ in range(frames)]
    names = list(rows[0][1])
    parts = [
        Part(stage=stage, part=part, milliseconds=statistics.median(row[1][stage, part] for row in rows))
        for stage, part in names
    ]
    return Breakdown(
        frames=frames,
        phrases=len(PHRASES),
        total_ms=statistics.median(row[0] for row in rows),
        parts=parts,
        operations=_operations(grounder, picture),
        precision=grounder.precision,
    )


def _one_frame(grounder: Grounder, picture: Image.Image) -> tuple[float, dict[tuple[str, str], float]]:
    """Milliseconds in all, and of each part of each stage."""
    start_s = time.perf_counter()
    with _timed(torch_model(grounder)) as spent:
        view = grounder.view(picture)
        answers = view.find_all(PHRASES)
    total_ms = 1000 * (time.perf_counter() - start_s)
    parts: dict[tuple[str, str], float] = {}
    for stage, stage_ms in answers[0].timings_ms.items():
        inside = {part: 1000 * seconds for (owner, part), seconds in spent.items() if owner == stage}
        parts |= {(stage, part): milliseconds for part, milliseconds in inside.items()}
        parts[stage, _REST] = stage_ms - sum(inside.values())
    parts["answers", _REST] = total_ms - sum(answers[0].timings_ms.values())
    return total_ms, parts


@contextmanager
def _timed(model: Kosmos2) -> Iterator[dict[tuple[str, str], float]]:
    """Seconds spent in the model's parts, by stage; the decoder reads the picture with the first question."""
    spent: dict[tuple[str, str], float] = defaultdict(float)
    started: dict[nn.Module, float] = {}

    def begin(module: nn.Module, _: Any) -> None:
        synchronise(model.device)
        started[module] = time.perf_counter()

    def end(module: nn.Module, *_: Any) -> None:
        synchronise(model.device)
        label = labels[module]
        stage = "query" if label[0] == _DECODER else "vision"
        spent[stage, " ".join(label).strip()] += time.perf_counter() - started[module]

    labels = _labels(model)
    hooks = [module.register_forward_pre_hook(begin) for module in labels]
    hooks += [module.register_forward_hook(end) for module in labels]
    try:
        yield spent
    finally:
        for hook in hooks:
            hook.remove()


def _labels(model: Kosmos2) -> dict[nn.Module, tuple[str, str]]:
    """Parts that do not hold each other."""
    labels: dict[nn.Module, tuple[str, str]] = {model.image_to_text_projection: ("resampler", "")}
    for name, child in model.vision_model.model.named_children():
        inner = child.children() if isinstance(child, nn.ModuleList) else [child]
        for index, module in enumerate(inner, 1):
            number = f" {index}" if isinstance(child, nn.ModuleList) else ""
            labels[module] = ("tower", f"{name}{number}")
    for layer in model.text_model.model.layers:
        for name, module in layer.named_children():
            labels[module] = (_DECODER, _DECODER_PARTS.get(name, "norms"))
    return labels


def _operations(grounder: Grounder, picture: Image.Image) -> list[Operation]:
    """By the time that each takes on the model's device."""
    device = grounder.model.device
    own_time = operator.attrgetter("self_device_time_total" if device.type == "cuda" else "self_cpu_time_total")
    with profile(activities=activities(device)) as profiled:
        for _ in range(_WARM_UPS):
            grounder.view(picture).find_all(PHRASES)
        synchronise(device)
    # What a GPU did stands there twice: with the operation that asked for it, and by itself.
    asked = [event for event in profiled.key_averages() if event.device_type.name == "CPU"]
    events = sorted(asked, key=own_time, reverse=True)
    total = sum(map(own_time, events))
    return [
        Operation(name=event.key, calls=event.count // _WARM_UPS, share=own_time(event) / total)
        for event in events[:_OPERATIONS]
    ]


def activities(device: torch.device) -> list[ProfilerActivity]:
    """A GPU's kernels run behind the CPU that starts them: there both are looked at."""
    return [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if device.type == "cuda" else [])]
