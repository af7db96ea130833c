"""Which number type a model runs in: as asked, or the fastest that the model's own check passes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.inference.int8_model import BFLOAT16, INT8, Int8Model, Say
from kosmos_agent.model.checkpoint import load_model, open_checkpoint
from kosmos_agent.model.engine import Engine
from kosmos_agent.model.folding import fold_norms
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.model.packed_layers import pack_layers
from kosmos_agent.model.probe import computes_bfloat16, types_by_speed
from kosmos_agent.model.quantized_cache import QuantizedCache
from kosmos_agent.profile import Profile
from kosmos_agent.tokenizer import Tokenizer

AUTO, FLOAT32 = "auto", "float32"
FLOATS = {FLOAT32: torch.float32, BFLOAT16: torch.bfloat16, "float16": torch.float16}
NAMES = (AUTO, *FLOATS, INT8)
LARGE = 1 << 28
"""Parameters from which `auto` measures, on a CPU, what answers as float32 does; for fewer the profile says it."""


@dataclass(frozen=True)
class Loaded:
    """precision: one of `NAMES`, never auto; None where the engine's own type says it.

    warnings: what is amiss but did not keep it from loading.
    """

    engine: Engine
    precision: str | None = None
    warnings: tuple[str, ...] = ()


def load_precision(
    folder: Path,
    tokenizer: Tokenizer,
    name: str,
    device: str = "cpu",
    *,
    cache: QuantizedCache | None = None,
    say: Say | None = None,
) -> Loaded:
    """The model of `folder` in the number type `name`. say: is told of what takes minutes, the first time.

    auto: on a GPU bfloat16 where it has instructions for that, else float32. On a CPU the same for small models, where
    `Profile.bfloat16` says that the answers are as good; for large ones the fastest of int8, bfloat16 and float32 that
    the machine computes well and that answers as float32 does. int8 asked for by name is loaded even where it does not,
    with a warning. InvalidArgumentError, CheckpointError.
    """
    name = settled_name(folder, name, device)
    if name in FLOATS:
        return Loaded(_to_be_asked(folder, name, device), name)
    quantized = Int8Model(folder, tokenizer, cache=cache, say=say)
    return _fastest(quantized) if name == AUTO else _as_asked(quantized, device)


def settled_name(folder: Path, name: str, device: str = "cpu") -> str:
    """What `auto` is on this machine, where that is known before it is loaded: auto stays of a large model on a CPU.

    Any other name as it is. InvalidArgumentError, CheckpointError.
    """
    if name not in NAMES:
        raise InvalidArgumentError(f"dtype {name!r}; valid: {', '.join(NAMES)}")
    if name != AUTO:
        return name
    on_cpu = torch.device(device).type == "cpu"
    if on_cpu and _parameters(folder) >= LARGE:
        return AUTO
    as_good = not on_cpu or Profile.read(folder).bfloat16
    return BFLOAT16 if as_good and computes_bfloat16(device) else FLOAT32


def _to_be_asked(folder: Path, name: str, device: str = "cpu") -> Kosmos2:
    return pack_layers(fold_norms(load_model(folder, dtype=FLOATS[name], device=device)))


def _parameters(folder: Path) -> int:
    model, _ = open_checkpoint(folder)
    return sum(value.numel() for value in model.parameters())


def _fastest(quantized: Int8Model) -> Loaded:
    """float32 is last among the types by speed, and agrees with itself."""
    name = next(name for name in types_by_speed() if name == FLOAT32 or quantized.agreement(name).is_close)
    model = quantized.load() if name == INT8 else _to_be_asked(quantized.folder, name)
    return Loaded(model, name, tuple(dict.fromkeys(quantized.warnings)))


def _as_asked(quantized: Int8Model, device: str) -> Loaded:
    agreement = quantized.agreement(device=device)  # first, as it loads the model itself where it has to be measured
    if not agreement.is_close:
        quantized.warnings.append(
            f"int8 does not answer as float32 does with these weights: the probability that a thing is there changes "
            f"by {agreement.presence:.2f}, and {agreement.location:.2f} of a corner's lies elsewhere; valid: float32"
        )
    model = quantized.load(device)
    return Loaded(model, INT8, tuple(dict.fromkeys(quantized.warnings)))
