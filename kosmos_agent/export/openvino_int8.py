"""OpenVINO graphs whose vision convolutions compute in 8 bits (signed or unsigned inputs, signed weights).

`FakeQuantize` on the inputs and weights of a convolution is what OpenVINO's compiler turns into integer arithmetic.
The linear layers stay as they are: they gain little, and attention is where 8 bits cost accuracy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import openvino
from numpy.typing import NDArray
from openvino import opset13 as ops
from torch import Tensor

from kosmos_agent.export import openvino_format
from kosmos_agent.export.graphs import VISION, Graph

INPUT_LEVELS, WEIGHT_LEVELS = 256, 255
TAIL = 1e-4
"""Share of the values at either end of a picture's range that may be cut off."""


@dataclass(frozen=True)
class Int8Format:
    """A `folder.Format`. pictures: (1, 3, S, S) normalised pixels each, on which the ranges of inputs are measured."""

    pictures: Sequence[Tensor]
    FORMAT: Literal["openvino"] = openvino_format.FORMAT
    precision: Literal["int8"] = "int8"

    def version(self) -> str:
        return openvino_format.version()

    def write(self, graph: Graph, folder: Path) -> list[str]:
        converted = openvino_format.convert(graph)
        if graph.name == VISION:
            quantise_convolutions(converted, [picture.numpy() for picture in self.pictures])
        return openvino_format.save(converted, graph.name, folder)


def quantise_convolutions(model: openvino.Model, pictures: Sequence[NDArray[np.float32]]) -> None:
    """In place; each picture is one input of the model."""
    convolutions = [node for node in model.get_ordered_ops() if node.get_type_name() == "Convolution"]
    for node, (low, high) in zip(convolutions, _input_ranges(model, convolutions, pictures), strict=True):
        _quantise(node.input(0), np.array(low, np.float32), np.array(high, np.float32), INPUT_LEVELS)
        weights = node.input_value(1).get_node().get_data()
        largest = np.abs(weights).max(axis=(1, 2, 3), keepdims=True)
        _quantise(node.input(1), -largest, largest, WEIGHT_LEVELS)
    model.validate_nodes_and_infer_types()


def _quantise(port: Any, low: NDArray[np.float32], high: NDArray[np.float32], levels: int) -> None:
    """Rounds what comes into the port to so many values from low to high."""
    bounds = [ops.constant(low), ops.constant(high)] * 2
    port.replace_source_output(ops.fake_quantize(port.get_source_output(), *bounds, levels).output(0))


def _input_ranges(
    model: openvino.Model, convolutions: Sequence[Any], pictures: Sequence[NDArray[np.float32]]
) -> list[tuple[float, float]]:
    """From 0 behind a ReLU, else symmetric; zero is one of the 256 values either way."""
    watched = model.clone()
    nodes = {node.get_friendly_name(): node for node in watched.get_ops()}
    first = len(watched.outputs)
    watched.add_outputs([nodes[node.get_friendly_name()].input_value(0) for node in convolutions])
    compiled = openvino.Core().compile_model(watched, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    ends = []
    for picture in pictures:
        result = compiled([picture])
        ends.append([np.quantile(result[output], [TAIL, 1 - TAIL]) for output in compiled.outputs[first:]])
    lows, highs = np.min(ends, axis=0)[:, 0], np.max(ends, axis=0)[:, 1]
    return [_range(float(low), float(high)) for low, high in zip(lows, highs, strict=True)]


def _range(low: float, high: float) -> tuple[float, float]:
    if low >= 0:
        return 0.0, high
    bound = max(-low, high)
    return -bound, bound * 127 / 128
