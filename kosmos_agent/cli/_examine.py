"""The questions that `doctor` asks. Each answers in one line; what fails says what to type."""

from __future__ import annotations

import importlib.util
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import torch

from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.grounder import Grounder
from kosmos_agent.version import __version__

_PACKAGES = ("torch", "numpy", "pillow", "opencv-python-headless", "tokenizers", "safetensors", "mujoco", "gymnasium")
_RENDER = """
import os
from kosmos_sim.gl import open_context
open_context(64, 64)
print(os.environ.get("MUJOCO_GL", ""))
"""


@dataclass(frozen=True)
class Finding:
    """One thing looked at; `detail` is a version, a figure, or what is wrong."""

    name: str
    ok: bool
    detail: str


def examine(model: str) -> list[Finding]:
    checks: tuple[Callable[[], Finding], ...] = (_python, _packages, _threads, _gpu, _rendering)
    return [check() for check in checks] + [_model(model)]


def _python() -> Finding:
    what = f"{platform.python_version()}, kosmos-agent {__version__}, {platform.platform()}"
    return Finding("python", sys.version_info >= (3, 11), what)


def _packages() -> Finding:
    return Finding("packages", True, ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "(absent)"


def _threads() -> Finding:
    load = os.getloadavg()[0]
    return Finding("threads", True, f"{torch.get_num_threads()} in torch, {os.cpu_count()} CPUs, load {load:.2f}")


def _gpu() -> Finding:
    names = [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())]
    return Finding("gpu", True, ", ".join(names) or "none (none is needed)")


def _rendering() -> Finding:
    """In a process of its own: a broken driver may end the process that asks it."""
    if importlib.util.find_spec("kosmos_sim") is None or importlib.util.find_spec("mujoco") is None:
        return Finding("rendering", True, "no simulation installed (pip install 'kosmos-agent[sim]')")
    done = subprocess.run([sys.executable, "-c", _RENDER], capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode == 0:
        return Finding("rendering", True, f"MuJoCo renders with {done.stdout.strip() or 'its default'}")
    lines = done.stderr.strip().splitlines() or [f"ended with code {done.returncode}"]
    return Finding("rendering", False, lines[-1])


def _model(name: str) -> Finding:
    start = time.perf_counter()
    try:
        grounder = Grounder.load(name)
    except KosmosAgentError as error:
        return Finding("model", False, str(error))
    seconds = time.perf_counter() - start
    state = "not calibrated" if grounder.calibration is None else "calibrated"
    return Finding("model", True, "; ".join([f"{grounder.name} loads in {seconds:.1f} s", state, *grounder.warnings]))
