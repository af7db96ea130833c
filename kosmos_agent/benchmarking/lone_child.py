"""What a lone process does, whichever side it measures."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch

from kosmos_agent.benchmarking.lone import LoneChoice
from kosmos_agent.benchmarking.works import Contender, noise_picture


def run_child(load: Callable[[LoneChoice], Contender]) -> None:
    """Opens the model that the argument names, answers once, tells; then the rest, if asked, and the memory."""
    choice = LoneChoice(**json.loads(sys.argv[1]))
    started_s = time.perf_counter()
    contender = load(choice)
    load_s = time.perf_counter() - started_s
    calls = contender.calls(noise_picture())
    calls["new_1"]()
    print(json.dumps({"load_s": load_s}), flush=True)
    if choice.thorough:
        calls["new_8"]()
        contender.settle()
    print(json.dumps({"peak_mib": peak_mib(choice.device)}))


def peak_mib(device: str, status: Path = Path("/proc/self/status")) -> float | None:
    """Most that this process ever took: of a GPU's memory, else resident, of its present program alone."""
    if device.startswith("cuda"):
        return torch.cuda.max_memory_allocated(device) / 2**20
    try:
        lines = status.read_text(encoding="ascii").splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) for line in lines if line.startswith("VmHWM:")]
    return found[0] / 1024 if found else None
