"""OpenVINO's intermediate representation, straight from the torch modules (package `openvino`)."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Literal

import openvino
import torch
from torch.jit._trace import TracerWarning

from kosmos_agent.export.graphs import Graph

FORMAT: Literal["openvino"] = "openvino"


def version() -> str:
    return openvino.__version__


def write(graph: Graph, folder: Path) -> list[str]:
    """`NAME.xml` and `NAME.bin` in float32; what precision they run in is chosen where they are compiled."""
    example = {port.name: port.example() for port in graph.inputs}
    shapes = {port.name: [-1 if isinstance(size, str) else size for size in port.shape] for port in graph.inputs}
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore", TracerWarning)
        converted = openvino.convert_model(graph.module, example_input=example)
    converted.reshape(shapes)
    for output, port in zip(converted.outputs, graph.outputs, strict=True):
        output.get_tensor().set_names({port.name})
    openvino.save_model(converted, folder / f"{graph.name}.xml", compress_to_fp16=False)
    return [f"{graph.name}.xml", f"{graph.name}.bin"]
