"""Loads and saves a model folder in the published layout: config.json, safetensors in one file or shards, tokenizer.

Never a pickle. Loading maps the files into memory and hands the tensors over one at a time, so that no second copy of
the weights is ever held.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from kosmos_agent.errors import CheckpointError, InvalidArgumentError
from kosmos_agent.model.companions import SENTENCEPIECE_FILE, TOKENIZER_FILE, copy_companions
from kosmos_agent.model.config import Kosmos2Config
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.model.names import OUTPUT_HEAD, published_name
from kosmos_agent.model.skeleton import skeleton
from kosmos_agent.tokenizer import Tokenizer

CONFIG_FILE = "config.json"
WEIGHTS_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"

DEFAULT_SHARD_BYTES = 5_000_000_000
_SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl")
_EMBEDDING = "text_model.model.embed_tokens.weight"
_NAMED_IN_ERRORS = 5


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies, under which stored name, and its shape."""

    file: Path
    name: str
    shape: tuple[int, ...]

    def read(self) -> Tensor:
        """Memory-mapped; the mapping lasts as long as the tensor."""
        with _open(self.file) as handle:
            return handle.get_tensor(self.name)


def read_config(folder: Path) -> Kosmos2Config:
    """CheckpointError when config.json is missing, is not JSON, or does not describe a Kosmos-2."""
    data = read_json(folder / CONFIG_FILE)
    if data.get("model_type", "kosmos-2") != "kosmos-2":
        raise CheckpointError(f"{folder / CONFIG_FILE}: model_type {data['model_type']!r}; valid: kosmos-2")
    return Kosmos2Config.from_dict(data)


def load_tokenizer(folder: Path) -> Tokenizer:
    """From tokenizer.json, or rebuilt from sentencepiece.bpe.model."""
    if (folder / TOKENIZER_FILE).is_file():
        return Tokenizer.from_file(folder / TOKENIZER_FILE)
    if (folder / SENTENCEPIECE_FILE).is_file():
        return Tokenizer.from_sentencepiece(folder / SENTENCEPIECE_FILE)
    raise CheckpointError(f"{folder} holds no tokenizer; valid: {TOKENIZER_FILE} or {SENTENCEPIECE_FILE}")


def check_tokenizer(tokenizer: Tokenizer, config: Kosmos2Config) -> None:
    """CheckpointError when the tokenizer has ids that the model has no row for. A padded vocabulary is fine."""
    if tokenizer.size > config.text.vocab_size:
        raise CheckpointError(
            f"the tokenizer has {tokenizer.size} tokens, the model {config.text.vocab_size} (vocab_size); "
            "valid: at least as many in the model"
        )
    slots = tokenizer.size - tokenizer.first_image_slot_id
    if config.latent_query_num > slots:
        raise CheckpointError(f"latent_query_num {config.latent_query_num}; valid with this tokenizer: 1 to {slots}")


def load_model(folder: Path, *, dtype: torch.dtype | None = None, device: torch.device | str = "cpu") -> Kosmos2:
    """The model in evaluation mode. `dtype` None keeps what is stored, memory-mapped where the device is the CPU.

    Original fairseq names are accepted. CheckpointError names missing, unexpected and misshapen tensors.
    """
    if dtype is not None and not dtype.is_floating_point:
        raise InvalidArgumentError(f"dtype {dtype}; valid: torch.float32, torch.bfloat16, torch.float16")
    model, stored = open_checkpoint(folder)
    for name, tensor in _read(stored):
        wanted = dtype if tensor.is_floating_point() else None
        assign(model, name, tensor.to(device=device, dtype=wanted))
    decoder = model.text_model.model
    decoder.position_table = decoder.position_table.to(device=device, dtype=model.dtype)
    return model.eval()


def open_checkpoint(folder: Path) -> tuple[Kosmos2, dict[str, StoredTensor]]:
    """A model without weights, and where each of them lies, by its published name. CheckpointError as `load_model`."""
    model = skeleton(read_config(folder))
    stored = _stored_tensors(weight_files(folder))
    head = stored.pop(OUTPUT_HEAD, None)
    _check_names(folder, {name: tuple(value.shape) for name, value in model.state_dict().items()}, stored)
    if head is not None:
        _check_tied(head, stored[_EMBEDDING])
    return model, stored


def assign(model: Kosmos2, name: str, tensor: Tensor) -> None:
    """Makes `tensor` itself the parameter or buffer of that name."""
    owner, _, leaf = name.rpartition(".")
    model.get_submodule(owner).load_state_dict({leaf: tensor}, strict=False, assign=True)


def save_model(
    model: Kosmos2,
    folder: Path,
    *,
    tokenizer: Tokenizer | None = None,
    copy_from: Path | None = None,
    max_shard_bytes: int = DEFAULT_SHARD_BYTES,
) -> None:
    """Writes a folder that `load_model`, and for a CLIP tower `transformers`, can open.

    `copy_from`: a folder whose tokenizer, generation and preprocessor files go along, and its profile but for what was
    measured of its weights. Files are replaced whole, so a model that is mapped from this very folder stays intact.
    CheckpointError for a model whose layers were replaced.
    """
    if model.activation_dtype is not None:
        raise CheckpointError("this model's layers are not its weights (8-bit or streamed); valid: one of `load_model`")
    folder.mkdir(parents=True, exist_ok=True)
    config = {**model.config.to_dict(), "dtype": str(model.dtype).removeprefix("torch.")}
    generation = {name: config["text_config"][name] for name in ("bos_token_id", "eos_token_id", "pad_token_id")}
    _write_json(folder / CONFIG_FILE, config)
    _write_json(folder / "generation_config.json", generation)
    if copy_from is not None and copy_from.resolve() != folder.resolve():
        copy_companions(copy_from, folder)
    if tokenizer is not None:
        tokenizer.save(folder / TOKENIZER_FILE)
    written = _write_weights(model, folder, max_shard_bytes)
    _remove_stale(folder, written)


def weight_files(folder: Path) -> list[Path]:
    """The safetensors file or its shards, in the order of their names. CheckpointError when there are none."""
    if (folder / WEIGHTS_FILE).is_file():
        return [folder / WEIGHTS_FILE]
    if (folder / INDEX_FILE).is_file():
        return _indexed_files(folder)
    pickles = sorted(path.name for path in folder.glob("*") if path.suffix in _PICKLES) if folder.is_dir() else []
    if pickles:
        raise CheckpointError(f"{folder} holds pickles ({pickles[0]}), which can run code; valid: {WEIGHTS_FILE}")
    raise CheckpointError(f"{folder} holds no weights; valid: {WEIGHTS_FILE} or {INDEX_FILE} with its shards")


def _indexed_files(folder: Path) -> list[Path]:
    names = read_json(folder / INDEX_FILE).get("weight_map")
    if not isinstance(names, dict) or not names or not all(isinstance(name, str) for name in names.values()):
        raise CheckpointError(f"{folder / INDEX_FILE} needs a weight_map from tensor names to files")
    files = sorted(set(names.values()))
    for name in files:
        if Path(name).name != name or not name.endswith(".safetensors"):
            raise CheckpointError(f"{INDEX_FILE} names {name!r}; valid: safetensors files beside it")
        if not (folder / name).is_file():
            raise CheckpointError(f"{folder} lacks {name}, which {INDEX_FILE} names")
    return [folder / name for name in files]


def _stored_tensors(files: Iterable[Path]) -> dict[str, StoredTensor]:
    """Every stored tensor by its published name."""
    found: dict[str, StoredTensor] = {}
    for file in files:
        with _open(file) as handle:
            for stored in handle.keys():  # noqa: SIM118  the handle is no mapping
                name = published_name(stored)
                if name is None:
                    continue
                if name in found:
                    raise CheckpointError(f"{file} holds {name} a second time, as {stored}")
                found[name] = StoredTensor(file, stored, tuple(handle.get_slice(stored).get_shape()))
    return found


def _check_names(folder: Path, wanted: dict[str, tuple[int, ...]], stored: dict[str, StoredTensor]) -> None:
    faults = {
        "missing": sorted(wanted.keys() - stored.keys()),
        "unexpected": sorted(stored.keys() - wanted.keys()),
        "misshapen": [
            f"{name} {stored[name].shape} instead of {shape}"
            for name, shape in wanted.items()
            if name in stored and stored[name].shape != shape
        ],
    }
    lines = [f"{len(names)} {fault}: {_some(names)}" for fault, names in faults.items() if names]
    if lines:
        raise CheckpointError(f"{folder} does not fit its {CONFIG_FILE}; {'; '.join(lines)}")


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMED_IN_ERRORS]) + (", ..." if len(names) > _NAMED_IN_ERRORS else "")


def _read(stored: dict[str, StoredTensor]) -> Iterator[tuple[str, Tensor]]:
    for file in sorted({item.file for item in stored.values()}):
        with _open(file) as handle:
            for name, item in stored.items():
                if item.file == file:
                    yield name, handle.get_tensor(item.name)


def _check_tied(head: StoredTensor, embedding: StoredTensor) -> None:
    if head.shape == embedding.shape and torch.equal(head.read(), embedding.read()):
        return
    raise CheckpointError(f"{OUTPUT_HEAD} differs from {_EMBEDDING}; valid: tied, or left out")


@contextmanager
def _open(file: Path) -> Iterator[Any]:
    try:
        with safe_open(file, "pt") as handle:
            yield handle
    except (SafetensorError, OSError) as error:
        raise CheckpointError(f"{file} is not a whole safetensors file: {error}") from error


def _write_weights(model: Kosmos2, folder: Path, max_shard_bytes: int) -> set[str]:
    shards = list(_shards(model, max_shard_bytes))
    if len(shards) == 1:
        _write_tensors(folder / WEIGHTS_FILE, shards[0])
        return {WEIGHTS_FILE}
    places: dict[str, str] = {}
    for number, tensors in enumerate(shards, 1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        _write_tensors(folder / file, tensors)
        places |= dict.fromkeys(tensors, file)
    total = sum(tensor.nbytes for tensors in shards for tensor in tensors.values())
    _write_json(folder / INDEX_FILE, {"metadata": {"total_size": total}, "weight_map": places})
    return {INDEX_FILE, *places.values()}


def _shards(model: Kosmos2, max_shard_bytes: int) -> Iterator[dict[str, Tensor]]:
    """The state dict in order, cut before a shard would grow past the bound; one tensor may exceed it alone."""
    shard: dict[str, Tensor] = {}
    size = 0
    for name, tensor in model.state_dict().items():
        if shard and size + tensor.nbytes > max_shard_bytes:
            yield shard
            shard, size = {}, 0
        shard[name] = tensor
        size += tensor.nbytes
    yield shard


def _write_tensors(file: Path, tensors: dict[str, Tensor]) -> None:
    part = file.with_suffix(".part")
    save_file({name: tensor.contiguous() for name, tensor in tensors.items()}, part, metadata={"format": "pt"})
    os.replace(part, file)


def _remove_stale(folder: Path, written: set[str]) -> None:
    """An older single file would be loaded instead of new shards."""
    for path in folder.iterdir():
        ours = path.name in (WEIGHTS_FILE, INDEX_FILE) or _SHARD.fullmatch(path.name)
        if ours and path.name not in written:
            path.unlink()


def read_json(file: Path) -> dict[str, Any]:
    """CheckpointError when the file cannot be read, is not JSON, or holds anything but an object."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"cannot read {file}: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{file} is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise CheckpointError(f"{file} holds a {type(data).__name__}; valid: an object")
    return data


def _write_json(file: Path, data: dict[str, Any]) -> None:
    file.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
