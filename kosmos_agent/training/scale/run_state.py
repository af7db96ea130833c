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
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_optimizer_state_dict,
    set_model_state_dict,
    set_optimizer_state_dict,
)

from kosmos_agent.errors import CheckpointError

_WHOLE = StateDictOptions(full_state_dict=True, cpu_offload=True)
_FLAT = StateDictOptions(full_state_dict=True, cpu_offload=True, flatten_optimizer_state_dict=True)
_FILES = ("weights.safetensors", "moments.safetensors", "state.json")
_MOMENT = "state."
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
    weights, moments = kept_weights(module), _moments(module, optimizer)
    if not leads:
        return
    fresh, old = folder.with_name(folder.name + ".new"), folder.with_name(folder.name + ".old")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    save_file({name: value.contiguous() for name, value in weights.items()}, fresh / _FILES[0])
    save_file({name: value.contiguous() for name, value in moments.items()}, fresh / _FILES[1])
    (fresh / _FILES[2]).write_text(json.dumps(asdict(progress)))
    if folder.exists():
        shutil.rmtree(old, ignore_errors=True)
        folder.rename(old)
    fresh.rename(folder)
    shutil.rmtree(old, ignore_errors=True)


def load(folder: Path, module: nn.Module, optimizer: torch.optim.Optimizer) -> Progress | None:
    """Into the live objects; None where nothing was saved. CheckpointError for a broken state or another model's."""
    beside = folder.with_name(folder.name + ".old")
    folder = beside if not folder.exists() and beside.exists() else folder
    if not folder.exists():
        return None
    absent = [name for name in _FILES if not (folder / name).is_file()]
    if absent:
        raise CheckpointError(f"{folder} lacks {', '.join(absent)}")
    weights = load_file(folder / _FILES[0])
    _check(folder, weights, kept_weights(module))
    set_model_state_dict(module, dict(weights), options=StateDictOptions(full_state_dict=True, strict=False))
    groups = {
        name: value for name, value in _optimizer_state(module, optimizer).items() if not name.startswith(_MOMENT)
    }
    state = {**groups, **load_file(folder / _FILES[1])}
    set_optimizer_state_dict(module, optimizer, state, options=_FLAT)
    return Progress(**json.loads((folder / _FILES[2]).read_text()))


def kept_weights(module: nn.Module) -> dict[str, Tensor]:
    """What is trained, and the statistics that training moves. The rest comes from where the run began."""
    named = module.named_parameters()
    frozen = {name.removeprefix(_WRAPPED) for name, parameter in named if not parameter.requires_grad}
    return {name: value for name, value in _all_weights(module).items() if name not in frozen}


def whole_weights(module: nn.Module) -> dict[str, Tensor]:
    """All weights of the model in `loss.Learner`, under the model's own names, joined from their shards."""
    return {name.removeprefix(_MODEL): value for name, value in _all_weights(module).items()}


def _all_weights(module: nn.Module) -> dict[str, Tensor]:
    return get_model_state_dict(module, options=_WHOLE)  # type: ignore[return-value]


def _moments(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    return {name: value for name, value in _optimizer_state(module, optimizer).items() if name.startswith(_MOMENT)}


def _optimizer_state(module: nn.Module, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    return get_optimizer_state_dict(module, optimizer, options=_FLAT)  # type: ignore[return-value]


def _check(folder: Path, found: Mapping[str, Tensor], wanted: Mapping[str, Tensor]) -> None:
    wrong = sorted(found.keys() ^ wanted.keys())
    wrong += [name for name in found.keys() & wanted.keys() if found[name].shape != wanted[name].shape]
    if wrong:
        raise CheckpointError(f"{folder} is of another model or recipe: {wrong[0]}")
