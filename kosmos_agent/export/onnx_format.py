"""ONNX files (package `onnx`), written by torch's TorchScript exporter.

The newer exporter (`dynamo=True`) would need `onnxscript` as well.
"""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Literal

import onnx
import torch
from torch.jit._trace import TracerWarning

from kosmos_agent.export.graphs import Graph

FORMAT: Literal["onnx"] = "onnx"
precision: Literal["float32"] = "float32"
OPSET = 18


def version() -> str:
    return f"{onnx.__version__}, opset {OPSET}"


def write(graph: Graph, folder: Path) -> list[str]:
    """`NAME.onnx` in float32, checked against the standard."""
    ports = (*graph.inputs, *graph.outputs)
    varying = {
        port.name: {axis: size for axis, size in enumerate(port.shape) if isinstance(size, str)} for port in ports
    }
    path = folder / f"{graph.name}.onnx"
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", TracerWarning)
        warnings.simplefilter("ignore", DeprecationWarning)
        torch.onnx.export(
            graph.module,
            tuple(port.example() for port in graph.inputs),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=[port.name for port in graph.inputs],
            output_names=[port.name for port in graph.outputs],
            dynamic_axes=varying,
        )
    onnx.checker.check_model(str(path), full_check=True)
    return [path.name]
