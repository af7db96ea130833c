"""A model folder in 8 bits: written layer by layer from a checkpoint, loaded memory-mapped.

The linear layers of the tower, the resampler and the decoder, and a large output head, become `Int8Linear`; the
embedding is kept in bfloat16, the rest in float32. A file holds one layer of the model, so that its mapping can go as
soon as a kernel has packed it, and neither writing nor loading ever holds the model twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from kosmos_agent.errors import CheckpointError, InvalidArgumentError
from kosmos_agent.model.checkpoint import StoredTensor, assign, open_checkpoint, read_config
from kosmos_agent.model.int8_kernels import MULTIPLE, Kernel, exact_kernels
from kosmos_agent.model.int8_linear import Int8Linear, Int8Weight
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.model.skeleton import skeleton
from kosmos_agent.model.streamed import EMBEDDING

REST_FILE = "rest.safetensors"
HEAD = "head"
SMALLEST_HEAD = 8192
"""Rows of an output head that is worth computing in 8 bits; below, it stays the embedding itself."""
OUTLIER_RATIO = 8.0
"""An input channel with a peak so many times the median peak would coarsen the steps of all others."""
MOST_OUTLIERS = 1 / 32
"""Of the channels of a layer."""

Progress = Callable[[float], None]
_LAYER = re.compile(r".*?\.layers\.\d+")
_QKV = ("q_proj", "k_proj", "v_proj")
_NOT_QUANTISED = "position_embedding"
_PARTS = ("codes", "scale", "outliers", "kept", "bias")


def linear_layers(model: Kosmos2) -> dict[str, tuple[str, ...]]:
    """Name of each `Int8Linear` -> the layers that it is made of: q, k and v of self-attention become one."""
    found: dict[str, tuple[str, ...]] = {}
    for name, module in model.named_modules():
        owner, _, leaf = name.rpartition(".")
        if not isinstance(module, nn.Linear) or leaf == _NOT_QUANTISED:
            continue
        if module.in_features % MULTIPLE or module.out_features % MULTIPLE:
            continue
        if owner.endswith(".self_attn") and leaf in _QKV:
            found[f"{owner}.qkv_proj"] = tuple(f"{owner}.{part}" for part in _QKV)
        else:
            found[name] = (name,)
    if model.config.text.vocab_size >= SMALLEST_HEAD and model.config.text.embed_dim % MULTIPLE == 0:
        found[HEAD] = (EMBEDDING,)
    return found


def outlier_channels(peaks: Tensor) -> Tensor:
    """(K,) largest magnitudes by input channel -> indices of those to keep in full precision, rising."""
    most = int(len(peaks) * MOST_OUTLIERS)
    order = peaks.argsort(descending=True)[:most]
    return order[peaks[order] > OUTLIER_RATIO * peaks.median()].sort().values


def write_quantized(
    folder: Path, target: Path, peaks: Mapping[str, Tensor] | None = None, progress: Progress | None = None
) -> None:
    """Writes the safetensors files of the 8-bit model into the folder `target`.

    peaks: by layer, what `streamed.channel_peaks` saw; without it no channel is kept in full precision.
    progress: is told which part of 1 is done. CheckpointError as `load_model`.
    """
    model, stored = open_checkpoint(folder)
    layers = linear_layers(model)
    for number, (_, names) in enumerate(groupby(layers, _file_group)):
        group = list(names)
        tensors: dict[str, Tensor] = {}
        for name in group:
            seen = None if peaks is None else peaks.get(layers[name][0])
            tensors |= {f"{name}.{part}": value for part, value in _quantised(layers[name], stored, seen)}
        save_file(tensors, target / f"layers-{number:03d}.safetensors")
        if progress is not None:
            progress((list(layers).index(group[-1]) + 1) / len(layers))
    made_of = {source for name, sources in layers.items() if name != HEAD for source in sources}
    rest = {name: item for name, item in stored.items() if name.rpartition(".")[0] not in made_of}
    save_file({name: _kept(name, item.read()) for name, item in rest.items()}, target / REST_FILE)


def _file_group(name: str) -> str:
    match = _LAYER.match(name)
    return match.group() if match else name.partition(".")[0]


def _quantised(
    sources: tuple[str, ...], stored: Mapping[str, StoredTensor], peaks: Tensor | None
) -> Iterator[tuple[str, Tensor]]:
    weight = torch.cat([stored[f"{source}.weight"].read() for source in sources])
    weight = F.pad(weight, (0, 0, 0, -len(weight) % MULTIPLE))
    if not bool(weight.isfinite().all()):
        raise CheckpointError(f"{sources[0]}.weight holds numbers that are not finite; valid: finite weights")
    outliers = torch.zeros(0, dtype=torch.long) if peaks is None else outlier_channels(peaks)
    whole = Int8Weight.of(weight, outliers)
    yield "codes", whole.codes
    yield "scale", whole.scale
    yield "outliers", whole.outliers
    yield "kept", whole.kept.contiguous()
    biases = [stored[f"{source}.bias"].read().float() for source in sources if f"{source}.bias" in stored]
    if biases:
        yield "bias", torch.cat(biases)


def _kept(name: str, tensor: Tensor) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    return tensor.to(torch.bfloat16 if name.startswith(EMBEDDING) else torch.float32)


def load_quantized(
    folder: Path, files: Iterable[Path], *, kernel: Kernel | None = None, device: torch.device | str = "cpu"
) -> Kosmos2:
    """The model of `folder` (its config.json) with the 8-bit weights in `files`, in evaluation mode.

    kernel: without one, the first of `exact_kernels`, on weights that stay mapped: `packing` is for the others.

    Activations are float32 on a CPU and bfloat16 elsewhere. CheckpointError when the files are not whole or are of
    another model, InvalidArgumentError where this machine has no exact 8-bit products.
    """
    kernels = (kernel,) if kernel else exact_kernels(torch.device(device).type)
    if not kernels:
        raise InvalidArgumentError(f"no exact 8-bit products on {device}; valid dtype: float32, bfloat16")
    model = skeleton(read_config(folder))
    model.activation_dtype = torch.float32 if torch.device(device).type == "cpu" else torch.bfloat16
    missing = {*linear_layers(model), *model.state_dict()}
    for file in files:
        if file.name == REST_FILE:
            missing -= _load_rest(model, file, device)
        else:
            missing -= _load_layers(model, file, kernels[0], device)
    whole = linear_layers(skeleton(model.config)).items()
    made_of = {source for name, sources in whole if name != HEAD for source in sources}
    missing = {name for name in missing if name.rpartition(".")[0] not in made_of}
    if missing:
        raise CheckpointError(f"the 8-bit weights lack {sorted(missing)[0]}")
    decoder = model.text_model.model
    decoder.position_table = decoder.position_table.to(device=device, dtype=model.dtype)
    return model.eval()


def _load_layers(model: Kosmos2, file: Path, kernel: Kernel, device: torch.device | str) -> set[str]:
    tensors = dict(_tensors(file))
    names = {name.rpartition(".")[0] for name in tensors}
    layers = linear_layers(model)
    for name in names:
        if name not in layers:
            raise CheckpointError(f"{file} holds {name}, which is no 8-bit layer of this model")
        parts = {part: tensors.get(f"{name}.{part}") for part in _PARTS}
        set_linear(model, name, _linear(parts, kernel, device))
    return names


def _linear(parts: Mapping[str, Tensor | None], kernel: Kernel, device: torch.device | str) -> Int8Linear:
    """All but the codes are copied, so that the mapping of the file can go where the kernel packs them."""
    own = {name: None if part is None else part.clone().to(device) for name, part in parts.items() if name != "codes"}
    codes, scale, outliers, kept = parts["codes"], own["scale"], own["outliers"], own["kept"]
    if codes is None or scale is None or outliers is None or kept is None:
        raise CheckpointError("an 8-bit layer is not whole")
    return Int8Linear(Int8Weight(codes.to(device), scale, outliers, kept), own["bias"], kernel)


def set_linear(model: Kosmos2, name: str, linear: nn.Module) -> None:
    """Puts the layer in the place of those that it is made of."""
    owner, _, leaf = name.rpartition(".")
    parent = model.get_submodule(owner)
    setattr(parent, leaf, linear)
    if leaf == "qkv_proj":
        for part in _QKV:
            delattr(parent, part)


def _load_rest(model: Kosmos2, file: Path, device: torch.device | str) -> set[str]:
    names, known = set(), model.state_dict()
    for name, tensor in _tensors(file):
        if name not in known or known[name].shape != tensor.shape:
            raise CheckpointError(f"{file} holds {name} {tuple(tensor.shape)}, which does not fit this model")
        keeps = name.startswith(EMBEDDING) or not tensor.is_floating_point()
        assign(model, name, tensor.to(device) if keeps else tensor.to(device, model.dtype))
        names.add(name)
    return names


def _tensors(file: Path) -> Iterator[tuple[str, Tensor]]:
    try:
        with safe_open(file, "pt") as handle:
            for name in handle.keys():  # noqa: SIM118  the handle is no mapping
                yield name, handle.get_tensor(name)
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file} is not a whole safetensors file: {error}") from error
