"""OpenVINO's intermediate representation (package `openvino`), from a TorchScript trace of the modules.

By way of ONNX, attention would fall apart into products, which makes the decoder slower; `torch.export` takes five
times as long.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Literal

import openvino
import torch
from torch.jit._trace import TracerWarning

from kosmos_agent.export.graphs import Graph

FORMAT: Literal["openvino"] = "openvino"
precision: Literal["float32"] = "float32"


def version() -> str:
    return openvino.__version__


def write(graph: Graph, folder: Path) -> list[str]:
    return save(convert(graph), graph.name, folder)


def convert(graph: Graph) -> openvino.Model:
    """With the names and varying sizes of the graph's ports."""
    example = tuple(port.example() for port in graph.inputs)
    shapes = {port.name: [-1 if isinstance(size, str) else size for size in port.shape] for port in graph.inputs}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        traced = torch.jit.trace(graph.module, example, check_trace=False)  # type: ignore[no-untyped-call]
        converted = openvino.convert_model(traced, example_input=example)
    converted.reshape(shapes)
    for output, port in zip(converted.outputs, graph.outputs, strict=True):
        output.get_tensor().set_names({port.name})
    return converted


def save(converted: openvino.Model, name: str, folder: Path) -> list[str]:
    """`NAME.xml` and `NAME.bin` in float32; what precision they run in is chosen where they are compiled."""
    openvino.save_model(converted, folder / f"{name}.xml", compress_to_fp16=False)
    return [f"{name}.xml", f"{name}.bin"]
