"""The 8-bit form of a model folder: taken from the cache, or made, and measured against float32 once."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from kosmos_agent.errors import CheckpointError
from kosmos_agent.inference.agreement import Agreement, Answers, compare, sample_answers
from kosmos_agent.model.checkpoint import load_model
from kosmos_agent.model.int8_kernels import exact_kernels
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.model.packing import pack_in_background
from kosmos_agent.model.quantized import load_quantized, write_quantized
from kosmos_agent.model.quantized_cache import QuantizedCache
from kosmos_agent.model.streamed import channel_peaks, open_streamed
from kosmos_agent.processor import Processor
from kosmos_agent.tokenizer import Tokenizer

Say = Callable[[str], None]
INT8, BFLOAT16 = "int8", "bfloat16"


class Int8Model:
    """Of one folder. `warnings` fills as things turn out to be amiss. say: is told of what takes minutes."""

    def __init__(
        self, folder: Path, tokenizer: Tokenizer, *, cache: QuantizedCache | None = None, say: Say | None = None
    ) -> None:
        self.folder = folder
        self.warnings: list[str] = []
        self._tokenizer = tokenizer
        self._cache = cache or QuantizedCache()
        self._say = say or (lambda line: None)
        self._told = 0

    def load(self, device: str = "cpu") -> Kosmos2:
        """Memory-mapped; where a faster kernel wants the weights packed, a thread goes on to do so.

        InvalidArgumentError where the device has no exact 8-bit products, CheckpointError.
        """
        with self._files() as files:
            model = load_quantized(self.folder, files, device=device)
        if len(kernels := exact_kernels(torch.device(device).type)) > 1:
            pack_in_background(model, kernels[-1])
        return model

    def agreement(self, name: str = INT8, device: str = "cpu") -> Agreement:
        """Of `int8` or `bfloat16` with float32; measured once for each set of weights and kind of device.

        What is between the products is float32 on a CPU and bfloat16 elsewhere. Errors as of `load`.
        """
        kind = torch.device(device).type
        key = name if kind == "cpu" else f"{name} on {kind}"
        found = self._cache.notes(self.folder).get(key)
        if isinstance(found, dict) and found.keys() == {"presence", "location"}:
            return Agreement(**found)
        if name == INT8:
            with self._files() as files:
                model = load_quantized(self.folder, files, device=device)
        else:
            model = load_model(self.folder, dtype=torch.bfloat16, device=device)
        reference, _ = self._reference
        agreement = compare(reference, sample_answers(model, self._processor(model), reference.first))
        try:
            self._cache.note(self.folder, {key: asdict(agreement)})
        except OSError as error:
            self.warnings.append(f"the check of {name} is not kept for the next time: {error}")
        return agreement

    @cached_property
    def _reference(self) -> tuple[Answers, dict[str, Tensor]]:
        """Answers in float32, and what each layer was given meanwhile."""
        self._say("looking at sample pictures in float32, once for these weights")
        model = open_streamed(self.folder)
        return sample_answers(model, self._processor(model)), channel_peaks(model)

    def _processor(self, model: Kosmos2) -> Processor:
        return Processor.for_config(self._tokenizer, model.config)

    @contextmanager
    def _files(self) -> Iterator[list[Path]]:
        """Of the cache; where that cannot be written, in a folder that lasts until they are mapped."""
        files = self._cached()
        if files is not None:
            yield files
            return
        with tempfile.TemporaryDirectory() as name:
            self._write(Path(name))
            yield sorted(Path(name).glob("*.safetensors"))

    def _cached(self) -> list[Path] | None:
        """Made where there are none or they are not whole; None where they cannot be kept."""
        try:
            if files := self._cache.files(self.folder):
                return files
        except CheckpointError as fault:
            self.warnings.append(f"8-bit weights are made again: {fault}")
        try:
            return self._cache.make(self.folder, self._write)
        except OSError as error:
            self.warnings.append(f"8-bit weights are not kept for the next time: {error}")
            return None

    def _write(self, target: Path) -> None:
        _, peaks = self._reference
        write_quantized(self.folder, target, peaks, self._report)

    def _report(self, part: float) -> None:
        """In words, at each tenth."""
        if (tenth := int(10 * part)) > self._told:
            self._told = tenth
            self._say(f"making 8-bit weights, once for these weights: {10 * tenth} %")
