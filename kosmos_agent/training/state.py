"""What a run needs to go on after a kill: weights, their average, optimiser moments, step (safetensors and JSON)."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from kosmos_agent.errors import CheckpointError
from kosmos_agent.training.optimizer import Optimizer

MODEL = "model."
"""What the names of the model's own weights begin with; the rest are helper heads."""
_FILES = ("weights.safetensors", "average.safetensors", "moments.safetensors", "state.json")


class MasterWeights:
    """Weights compute in bfloat16 and are kept in float32; norms compute in float32 where they can.

    Cheaper than autocast where memory is slow: no activation is cast back and forth.
    """

    def __init__(self, module: nn.Module, *, compute: torch.dtype = torch.bfloat16) -> None:
        self.module = module
        self.masters: dict[str, nn.Parameter] = {}
        for name, parameter in module.named_parameters():
            self.masters[name] = parameter
            if not _stays_float32(module, name):
                self.masters[name] = nn.Parameter(parameter.detach().float().clone())
                parameter.data = parameter.data.to(compute)

    def take_gradients(self) -> None:
        """Move the gradients of the computing weights to the kept ones."""
        for name, parameter in self.module.named_parameters():
            if (master := self.masters[name]) is not parameter:
                master.grad = None if parameter.grad is None else parameter.grad.float()
                parameter.grad = None

    @torch.no_grad()
    def give_weights(self) -> None:
        """Copy the kept weights into the computing ones."""
        for name, parameter in self.module.named_parameters():
            if self.masters[name] is not parameter:
                parameter.copy_(self.masters[name])

    def tensors(self) -> dict[str, Tensor]:
        """Everything that makes the model, float32 where it is kept so, buffers included."""
        kept: dict[str, Tensor] = {name: master.detach() for name, master in self.masters.items()}
        return {**self.module.state_dict(), **kept}

    @torch.no_grad()
    def load(self, tensors: dict[str, Tensor]) -> None:
        for name, value in self.tensors().items():
            value.copy_(tensors[name])
        self.give_weights()


def _stays_float32(module: nn.Module, name: str) -> bool:
    """Norms, where their kernels take bfloat16 activations beside float32 weights: layer norm does on a CPU only."""
    owner = module.get_submodule(name.rpartition(".")[0])
    on_cpu = module.get_parameter(name).device.type == "cpu"
    return isinstance(owner, nn.BatchNorm2d) or (on_cpu and isinstance(owner, nn.LayerNorm))


@dataclass
class RunState:
    """Live objects of a run. `average` mirrors `weights.tensors()`, batch-norm statistics included."""

    weights: MasterWeights
    average: dict[str, Tensor]
    optimizer: Optimizer
    step: int = 0
    pictures: int = 0
    seconds: float = 0.0

    def update_average(self, decay: float) -> None:
        """Exponential average; young runs forget faster so that the start does not linger."""
        decay = min(decay, (1 + self.step) / (10 + self.step))
        current = self.weights.tensors()
        names = [name for name, value in current.items() if value.is_floating_point()]
        with torch.no_grad():
            torch._foreach_lerp_([self.average[n] for n in names], [current[n] for n in names], 1 - decay)
        for name, value in current.items():
            if not value.is_floating_point():
                self.average[name].copy_(value)


def save_state(state: RunState, folder: Path) -> None:
    """Whole or not at all: written beside, then swapped in."""
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_file(_contiguous(state.weights.tensors()), fresh / "weights.safetensors")
    save_file(_contiguous(state.average), fresh / "average.safetensors")
    save_file(_contiguous(state.optimizer.moments()), fresh / "moments.safetensors")
    numbers = {"step": state.step, "pictures": state.pictures, "seconds": state.seconds}
    (fresh / "state.json").write_text(json.dumps(numbers))
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load_state(state: RunState, folder: Path) -> None:
    """Into the live objects, in place. CheckpointError where a file is missing."""
    folder = _whole(folder)
    missing = [name for name in _FILES if not (folder / name).is_file()]
    if missing:
        raise CheckpointError(f"{folder} lacks {', '.join(missing)}")
    state.weights.load(load_file(folder / "weights.safetensors"))
    for name, value in load_file(folder / "average.safetensors").items():
        state.average[name].copy_(value)
    state.optimizer.load_moments(load_file(folder / "moments.safetensors"))
    numbers = json.loads((folder / "state.json").read_text())
    state.step, state.pictures, state.seconds = numbers["step"], numbers["pictures"], numbers["seconds"]


def last_model_weights(folder: Path) -> dict[str, Tensor]:
    """Of the model alone, as the last step left them and not averaged. CheckpointError where there are none."""
    path = _whole(folder) / "weights.safetensors"
    if not path.is_file():
        raise CheckpointError(f"{folder} lacks {path.name}")
    named = load_file(path)
    return {name.removeprefix(MODEL): value for name, value in named.items() if name.startswith(MODEL)}


def has_state(folder: Path) -> bool:
    """Whether a run can go on from `folder`, or from what a kill in mid-save left beside it."""
    return (_whole(folder) / "state.json").is_file()


def _whole(folder: Path) -> Path:
    beside = folder.with_name(folder.name + ".old")
    return beside if not folder.exists() and beside.exists() else folder


def _contiguous(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
