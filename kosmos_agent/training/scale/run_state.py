"""What a run needs to go on exactly: trained weights, moments, step. Safetensors and JSON, whole tensors."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from kosmos_agent.errors import CheckpointError

_WEIGHTS, _MOMENTS, _PROGRESS = "weights.safetensors", "moments.safetensors", "state.json"
STATE_FOLDER = "state"
_WRAPPED, _MODEL = "module.", "model."
"""In front of names: of what several processes share, and of the model in `loss.Learner`."""


@dataclass
class Progress:
    """Steps done, tokens in their rows, seconds of work."""

    step: int = 0
    tokens: int = 0
    seconds: float = 0.0


def save(folder: Path, module: nn.Module, optimizer: torch.optim.Optimizer, progress: Progress, *, leads: bool) -> None:
    """All processes take part, one writes: beside the old state, then in its place."""
    weights = {name: _whole(value) for name, value in _kept(module).items()}
    moments = {name: _whole(value) for name, value in _moments(module, optimizer).items()}
    if not leads:
        return
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_file(weights, fresh / _WEIGHTS)
    save_file(moments, fresh / _MOMENTS)
    (fresh / _PROGRESS).write_text(json.dumps(asdict(progress)))
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def saved_at(folder: Path) -> Path | None:
    """Where the last whole state lies: in the folder, or beside it where saving was cut short; None for none."""
    beside = folder.with_name(folder.name + ".old")
    return next((place for place in (folder, beside) if place.exists()), None)


@torch.no_grad()
def load(folder: Path, module: nn.Module, optimizer: torch.optim.Optimizer) -> Progress | None:
    """Into the live objects; None where nothing was saved. CheckpointError for a broken state or another model's."""
    found = saved_at(folder)
    if found is None:
        return None
    folder = found
    absent = [name for name in (_WEIGHTS, _MOMENTS, _PROGRESS) if not (folder / name).is_file()]
    if absent:
        raise CheckpointError(f"{folder} lacks {', '.join(absent)}")
    weights, kept = load_file(folder / _WEIGHTS), _kept(module)
    _check(folder, weights, kept)
    for name, value in kept.items():
        value.copy_(_spread_like(value, weights[name]))
    parameters = _trained(module)
    for key, value in load_file(folder / _MOMENTS).items():
        name, _, kind = key.rpartition("/")
        moment = value if kind == "step" else _spread_like(parameters[name], value)
        optimizer.state[parameters[name]][kind] = moment
    return Progress(**json.loads((folder / _PROGRESS).read_text()))


def whole_weights(module: nn.Module) -> dict[str, Tensor]:
    """All weights of the model in `loss.Learner`, under the model's own names, joined from their shards."""
    return {name.removeprefix(_MODEL): _whole(value) for name, value in _state(module).items()}


def _kept(module: nn.Module) -> dict[str, Tensor]:
    """What is trained, and the statistics that training moves. The rest comes from where the run began."""
    fixed = {name for name, parameter in module.named_parameters() if not parameter.requires_grad}
    frozen = {name.removeprefix(_WRAPPED) for name in fixed}
    return {name: value for name, value in _state(module).items() if name not in frozen}


def _state(module: nn.Module) -> dict[str, Tensor]:
    return {name.removeprefix(_WRAPPED): value for name, value in module.state_dict().items()}


def _trained(module: nn.Module) -> dict[str, nn.Parameter]:
    named = module.named_parameters()
    return {name.removeprefix(_WRAPPED): parameter for name, parameter in named if parameter.requires_grad}


def _moments(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """As `weight name/kind of moment`."""
    return {
        f"{name}/{kind}": value
        for name, parameter in _trained(module).items()
        for kind, value in optimizer.state.get(parameter, {}).items()
    }


def _whole(value: Tensor) -> Tensor:
    joined = value.full_tensor() if isinstance(value, DTensor) else value
    return joined.detach().cpu().contiguous()


def _spread_like(live: Tensor, value: Tensor) -> Tensor:
    """A whole tensor on the devices of `live`, in shards where it is."""
    if isinstance(live, DTensor):
        return distribute_tensor(value.to(live.device), live.device_mesh, live.placements)
    return value.to(live.device)


def _check(folder: Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    wrong = sorted(found.keys() ^ wanted.keys())
    wrong += [name for name in found.keys() & wanted.keys() if found[name].shape != wanted[name].shape]
    if wrong:
        raise CheckpointError(f"{folder} is of another model or recipe: {wrong[0]}")
