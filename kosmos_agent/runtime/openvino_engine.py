"""The engine that runs exported graphs in OpenVINO (extra `fast`); tensors outside stay torch's."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openvino
import torch
import torch.nn.functional as F
from safetensors.torch import load_file
from torch import Tensor

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.export.graphs import DECODER, EMBEDDING, EMBEDDING_FILE, VISION
from kosmos_agent.export.manifest import Manifest
from kosmos_agent.model.cache import KVCache
from kosmos_agent.model.config import Kosmos2Config
from kosmos_agent.model.kosmos2 import inject

PRECISIONS = {"float32": ("f32", "FP32"), "bfloat16": ("bf16", "BF16"), "float16": ("f16", "FP16")}
"""Ours -> OpenVINO's, and what it calls a device that is made for it."""

MOST_SHAPES = 12
"""A picture with its phrases, their corners, and what comes now and then: phrases of other lengths are other shapes."""


class OpenVinoEngine:
    """`model.engine.Engine` over a checked export of either format.

    precision: what the graphs compute in, of `PRECISIONS`, or auto; convolutions with 8-bit ranges in 8 bits.
    """

    def __init__(self, folder: Path, manifest: Manifest, *, precision: str, threads: int | None = None) -> None:
        core = openvino.Core()
        self.config = Kosmos2Config.from_dict(manifest.config)
        self.dtype, self.device = torch.float32, torch.device("cpu")
        computed_in = _usable(core, precision)
        self.precision = "int8" if manifest.precision == "int8" else computed_in
        self._positions = manifest.positions
        self._embedding = load_file(folder / EMBEDDING_FILE)[EMBEDDING]
        self.threads = threads or torch.get_num_threads()
        hints = _hints(computed_in, self.threads)
        vision, decoder = (core.read_model(folder / manifest.graphs[name].file) for name in (VISION, DECODER))
        vision.reshape([1, *manifest.graphs[VISION].inputs["pixels"].shape[1:]])
        self._vision = _Pass(lambda: core.compile_model(vision, "CPU", hints))
        self._decoder = _Pass(lambda: core.compile_model(decoder, "CPU", hints))

    def encode_image(self, pixels: Tensor) -> Tensor:
        """One picture after another: each fills the cores by itself, and a graph of fixed sizes is quicker."""
        return torch.cat([self._vision(picture)[0] for picture in torch.split(pixels, 1)])

    def embed(self, input_ids: Tensor, image_embeds: Tensor | None = None, image_mask: Tensor | None = None) -> Tensor:
        return inject(F.embedding(input_ids, self._embedding), image_embeds, image_mask)

    def decode(self, embeds: Tensor, positions: Tensor, *, mask: Tensor | None, cache: KVCache | None = None) -> Tensor:
        """InvalidArgumentError for a position that the exported table does not hold."""
        rows, count, _ = embeds.shape
        if int(positions.max()) >= self._positions:
            raise InvalidArgumentError(
                f"a text of more than {self._positions - 2} tokens; valid in an export: fewer (or runtime torch)"
            )
        cache = cache or self.new_cache(rows, count)
        keys, values = cache.filled()
        if mask is None:
            mask = torch.ones(1, 1, count, keys.shape[3] + count, dtype=torch.bool)
        hidden, new_keys, new_values = self._decoder(embeds, positions.expand(rows, -1), mask, keys, values)
        cache.extend(new_keys, new_values)
        return hidden

    def logits(self, hidden: Tensor, rows: slice | Tensor | None = None) -> Tensor:
        return F.linear(hidden, self._embedding if rows is None else self._embedding[rows])

    def new_cache(self, batch: int, capacity: int) -> KVCache:
        return KVCache.for_config(self.config.text, batch, capacity, dtype=self.dtype, device=self.device)


class _Pass:
    """A graph, compiled anew for each of the latest shapes of its inputs. Threads take turns: each has all the cores.

    A compiled graph that is given another shape than before makes itself ready for it, which takes as long as half a
    decoder pass; a camera with standing phrases asks in the same few shapes on every frame.
    """

    def __init__(self, compiled: Callable[[], openvino.CompiledModel]) -> None:
        self._compiled = compiled
        self._requests: OrderedDict[tuple[torch.Size, ...], openvino.InferRequest] = OrderedDict()
        self._lock = threading.Lock()

    def __call__(self, *inputs: Tensor) -> list[Tensor]:
        arrays = [item.contiguous().numpy() for item in inputs]
        with self._lock:
            request = self._request(tuple(item.shape for item in inputs))
            request.infer(arrays, share_inputs=True, share_outputs=True)
            return [torch.from_numpy(output.data.copy()) for output in request.output_tensors]

    def _request(self, shapes: tuple[torch.Size, ...]) -> openvino.InferRequest:
        """The one of these shapes; beyond `MOST_SHAPES` that of the shapes not seen for longest changes over."""
        request = self._requests.pop(shapes, None)
        if request is None and len(self._requests) < MOST_SHAPES:
            request = self._compiled().create_infer_request()
        elif request is None:
            request = self._requests.popitem(last=False)[1]
        self._requests[shapes] = request
        return request


def _usable(core: openvino.Core, precision: str) -> str:
    """bfloat16 where the CPU has instructions for it; elsewhere it would be emulated, slower than float32."""
    able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    valid = [name for name, (_, capability) in PRECISIONS.items() if capability in able]
    if precision == "auto":
        return "bfloat16" if "bfloat16" in valid else "float32"
    if precision not in valid:
        raise InvalidArgumentError(
            f"dtype {precision!r} with runtime openvino on this CPU; valid: auto, {', '.join(valid)}"
        )
    return precision


def _hints(precision: str, threads: int) -> dict[str, Any]:
    return {
        "PERFORMANCE_HINT": "LATENCY",
        "NUM_STREAMS": "1",
        "INFERENCE_NUM_THREADS": threads,
        "INFERENCE_PRECISION_HINT": PRECISIONS[precision][0],
        "ENABLE_CPU_PINNING": False,
    }
