"""What the machine is, and what it can do at most: multiplications and bytes a second, measured now."""

from __future__ import annotations

import os
import platform
from dataclasses import replace
from pathlib import Path

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor

from kosmos_agent.benchmarking.rounds import Call, Plan, time_in_turn
from kosmos_agent.benchmarking.timing import Timing
from kosmos_agent.model.threads import torch_threads
from kosmos_agent.version import __version__

GEMM_SIDE = {"cuda": 8192}
READ_BYTES = {"cuda": 2**30}
"""By kind of device: what fills one and lies in none of its caches."""
_GEMM_SIDE, _READ_BYTES = 2048, 256 * 2**20
_READ_ROUNDS, _READ_SAMPLE_S = 3, 0.1
FLOAT_GEMMS = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Machine(BaseModel):
    """threads: those of torch's own operations."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    processor: str
    cpus: int
    threads: int
    memory_gib: float
    device: str
    python: str
    torch: str
    kosmos_agent: str


class Limits(BaseModel):
    """gemm_gops: 10^9 operations (a multiplication and an addition are two) a second, by number type.

    read_gb_s: 10^9 bytes a second, with a thread for each processor. gemm_side: rows and columns of the products.
    A type that torch cannot multiply here is absent.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    gemm_gops: dict[str, float]
    read_gb_s: float
    timings: dict[str, Timing]
    gemm_side: int = _GEMM_SIDE


def describe_machine(device: str = "cpu") -> Machine:
    pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    name = torch.cuda.get_device_name(device) if device.startswith("cuda") else _processor_name()
    return Machine(
        processor=name,
        cpus=os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        memory_gib=round(pages * size / 2**30, 1),
        device=device,
        python=platform.python_version(),
        torch=torch.__version__,
        kosmos_agent=__version__,
    )


def measure_limits(plan: Plan, gemm_side: int | None = None, read_bytes: int | None = None) -> Limits:
    """Large square products of each type, and the sum over an array that no cache holds: the best of each."""
    side = gemm_side or GEMM_SIDE.get(plan.device.type, _GEMM_SIDE)
    calls = {name: _float_gemm(side, kind, plan.device) for name, kind in FLOAT_GEMMS.items()}
    if _multiplies_int8(plan.device):
        calls["int8"] = _int8_gemm(side, plan.device)
    array = torch.ones((read_bytes or READ_BYTES.get(plan.device.type, _READ_BYTES)) // 4, device=plan.device)
    timings = {**time_in_turn(calls, plan), "read": _read(array, plan)}
    return Limits(
        gemm_gops={name: 2 * side**3 / timings[name].min_ms / 1e6 for name in calls},
        read_gb_s=array.nbytes / timings["read"].min_ms / 1e6,
        timings=timings,
        gemm_side=side,
    )


def _read(array: Tensor, plan: Plan) -> Timing:
    """The round with the quickest sample: how fast memory is read changes from minute to minute on shared machines.

    With all processors, whatever the plan's threads: one alone does not fill the memory's width.
    """
    cpus = os.cpu_count() or 1
    own = replace(plan, threads=cpus, sample_s=min(plan.sample_s, _READ_SAMPLE_S))
    with torch_threads(cpus):
        rounds = [time_in_turn({"read": lambda: array.sum()}, own)["read"] for _ in range(_READ_ROUNDS)]
    return min(rounds, key=lambda timing: timing.min_ms)


def _float_gemm(side: int, dtype: torch.dtype, device: torch.device) -> Call:
    generator = torch.Generator(device).manual_seed(0)
    left, right = (torch.randn(side, side, generator=generator, device=device).to(dtype) for _ in range(2))
    return lambda: left @ right


def _int8_gemm(side: int, device: torch.device) -> Call:
    generator = torch.Generator(device).manual_seed(0)
    left, right = (_bytes((side, side), generator, device) for _ in range(2))
    return lambda: torch._int_mm(left, right.t())


def _bytes(shape: tuple[int, int], generator: torch.Generator, device: torch.device) -> Tensor:
    return torch.randint(-127, 128, shape, generator=generator, dtype=torch.int8, device=device)


def _multiplies_int8(device: torch.device) -> bool:
    """Whether this build of torch has integer products for the device."""
    small = torch.ones(32, 32, dtype=torch.int8, device=device)
    try:
        return int(torch._int_mm(small, small.t())[0, 0]) == len(small)
    except (NotImplementedError, RuntimeError):
        return False


def _processor_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    found = {key.strip(): value.strip() for key, _, value in (line.partition(":") for line in lines)}
    words = [found.get("model name", platform.machine())]
    kinds = [
        kind for kind in ("avx2", "avx512f", "avx512_bf16", "avx512_vnni", "amx_int8") if kind in found.get("flags", "")
    ]
    return f"{words[0]} ({', '.join(kinds)})" if kinds else words[0]
