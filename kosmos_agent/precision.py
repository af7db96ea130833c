"""Which number type a model runs in: as asked, or the fastest that this machine has and the model's own check passes.

The check is made once for each set of weights and kept with them in the cache.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch

from kosmos_agent.errors import CheckpointError, InvalidArgumentError
from kosmos_agent.inference.agreement import Agreement, compare, sample_answers
from kosmos_agent.model.checkpoint import load_model, read_json
from kosmos_agent.model.int8_kernels import best_kernel
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.model.quantized import load_quantized, write_quantized
from kosmos_agent.model.quantized_cache import QuantizedCache, write_json_whole
from kosmos_agent.model.streamed import channel_peaks, open_streamed
from kosmos_agent.processor import Processor
from kosmos_agent.tokenizer import Tokenizer

FLOATS = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
INT8 = "int8"
NAMES = ("auto", *FLOATS, INT8)

LARGE = 1 << 28
"""Parameters from which `auto` looks for something faster than float32 on a CPU: small models answer in milliseconds
as they are, and their calibrations were fitted in float32."""
AGREEMENT_FILE = "agreement.json"

Say = Callable[[str], None]


@dataclass(frozen=True)
class Loaded:
    """precision: one of `NAMES`, never auto. warnings: what is amiss but did not keep it from loading."""

    model: Kosmos2
    precision: str
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
    """The model of `folder` in the number type `name`. say: is told of what takes minutes, once for each set.

    auto: bfloat16 beside a CPU; on a CPU float32 for small models, else the fastest of int8, bfloat16 and float32 that
    this machine computes well and that answers as float32 does. int8 asked for by name is loaded even where it
    does not, with a warning. InvalidArgumentError, CheckpointError.
    """
    if name not in NAMES:
        raise InvalidArgumentError(f"dtype {name!r}; valid: {', '.join(NAMES)}")
    if name == "auto":
        name = "float32" if device == "cpu" else "bfloat16"
    if name == INT8:
        return _Quantized(folder, tokenizer, device, cache or QuantizedCache(), say).load()
    return Loaded(load_model(folder, dtype=FLOATS[name], device=device), name)


class _Quantized:
    """The 8-bit form of one folder: taken from the cache, or made and checked."""

    def __init__(self, folder: Path, tokenizer: Tokenizer, device: str, cache: QuantizedCache, say: Say | None) -> None:
        self.folder, self.tokenizer, self.device, self.cache = folder, tokenizer, device, cache
        self._say = say or (lambda line: None)
        self.warnings: list[str] = []

    def load(self) -> Loaded:
        if best_kernel(torch.device(self.device).type) is None:
            raise InvalidArgumentError(f"this machine has no exact 8-bit products on {self.device}; valid: float32")
        with self._files() as files:
            model = load_quantized(
                self.folder, [file for file in files if file.suffix == ".safetensors"], device=self.device
            )
            agreement = Agreement(**read_json(files[0].parent / AGREEMENT_FILE))
        if not agreement.is_close:
            self.warnings.append(f"int8 does not answer as float32 does on these weights: {agreement}; see --dtype")
        return Loaded(model, INT8, tuple(self.warnings))

    @contextmanager
    def _files(self) -> Iterator[list[Path]]:
        """Of the cache, or where that cannot be written, of a folder for as long as it takes to map them."""
        try:
            yield self._cached()
        except OSError as error:
            self.warnings.append(f"8-bit weights are not kept for the next time: {error}")
            with tempfile.TemporaryDirectory() as name:
                self._write(Path(name))
                yield sorted(Path(name).glob("*.safetensors"))

    def _cached(self) -> list[Path]:
        try:
            if files := self.cache.files(self.folder):
                return files
        except CheckpointError as fault:
            self.warnings.append(f"8-bit weights are made again: {fault}")
        self.cache.make(self.folder, self._write)
        return self.cache.files(self.folder) or []

    def _write(self, target: Path) -> None:
        self._say("making 8-bit weights, once for these weights: looking at sample pictures in float32")
        streamed = open_streamed(self.folder)
        processor = Processor.for_config(self.tokenizer, streamed.config)
        reference = sample_answers(streamed, processor)
        write_quantized(self.folder, target, channel_peaks(streamed), lambda part: self._say(f"{part:.0%}"))
        model = load_quantized(self.folder, sorted(target.glob("*.safetensors")), device=self.device)
        agreement = compare(reference, sample_answers(model, processor, reference.first))
        write_json_whole(target / AGREEMENT_FILE, asdict(agreement))
