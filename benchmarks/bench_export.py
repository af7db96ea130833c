"""Processor time of one pass in each runtime: torch, OpenVINO by both formats, ONNX Runtime where it is installed.

python benchmarks/bench_export.py [--rounds N] [--only NAME,NAME] [--model NAME] [--page docs/export.md]

One thread each, in turn in one process, the least of many rounds: processor time, as wall-clock time on a shared
machine tells of its other users. `--only` takes names as the table has them.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import math
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import torch
from serving_common import Figures, machine, table, told
from torch import Tensor

from kosmos_agent.benchmarking.rounds import Call
from kosmos_agent.cli._export import export
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.export.graphs import DECODER, VISION
from kosmos_agent.export.manifest import Manifest
from kosmos_agent.model.checkpoint import load_tokenizer, read_config
from kosmos_agent.model.config import Kosmos2Config
from kosmos_agent.model.engine import Engine
from kosmos_agent.model.folder import locate
from kosmos_agent.model.probe import has_native_bfloat16
from kosmos_agent.precision import load_precision
from kosmos_agent.runtime.openvino_engine import OpenVinoEngine

PAGE = Path(__file__).parents[1] / "docs" / "export.md"
DECODER_PASSES = ((67, 0), (8, 67), (64, 67), (64, 131))
"""New tokens and those before them: the image prefix, one phrase, eight phrases, their corners."""
_FIRST_POSITION = 2

Passes = Mapping[str, Callable[[], Call]]
"""By the name of a pass, what makes it ready; the call that this gives is timed."""


def engine_passes(engine: Engine) -> dict[str, Callable[[], Call]]:
    """Of whatever has the face of a model."""
    pixels, ready = _pixels(engine.config).to(engine.dtype), {}
    ready[VISION] = lambda: partial(engine.encode_image, pixels)
    for tokens, past in DECODER_PASSES:
        ready[_name(tokens, past)] = partial(_decoding, engine, tokens, past)
    return ready


def _decoding(engine: Engine, tokens: int, past: int) -> Call:
    embeds, positions, mask = (item.clone() for item in _inputs(engine.config, tokens, past))
    cache = engine.new_cache(1, past + tokens)
    cache.keys.zero_()
    cache.values.zero_()
    cache.advance(past)
    return lambda: engine.decode(embeds.to(engine.dtype), positions, mask=mask, cache=cache)


def onnx_runtime_passes(folder: Path, config: Kosmos2Config) -> dict[str, Callable[[], Call]]:
    """The same graphs in ONNX Runtime."""
    import onnxruntime  # an extra that the package itself does not use

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    manifest = Manifest.read(folder)
    vision, decoder = (
        onnxruntime.InferenceSession(folder / manifest.graphs[name].file, options) for name in (VISION, DECODER)
    )
    text = config.text
    width = text.embed_dim // text.attention_heads

    def running(session: Any, **inputs: Tensor) -> Call:
        return partial(session.run, None, {name: item.numpy() for name, item in inputs.items()})

    def decoding(tokens: int, past: int) -> Call:
        embeds, positions, mask = _inputs(config, tokens, past)
        cached = torch.zeros(text.layers, 1, text.attention_heads, past, width)
        return running(decoder, embeds=embeds, positions=positions, mask=mask, keys=cached, values=cached)

    ready = {VISION: lambda: running(vision, pixels=_pixels(config))}
    return ready | {_name(*sizes): partial(decoding, *sizes) for sizes in DECODER_PASSES}


def _pixels(config: Kosmos2Config) -> Tensor:
    side = config.vision.image_size
    return torch.zeros(1, 3, side, side)


def _inputs(config: Kosmos2Config, tokens: int, past: int) -> tuple[Tensor, Tensor, Tensor]:
    """(1, tokens, D) embeds, (1, tokens) positions, (1, 1, tokens, past + tokens) mask: each sees what is before it."""
    embeds = torch.zeros(1, tokens, config.text.embed_dim)
    positions = torch.arange(_FIRST_POSITION + past, _FIRST_POSITION + past + tokens)[None]
    mask = torch.ones(tokens, past + tokens, dtype=torch.bool).tril(past)[None, None]
    return embeds, positions, mask


def _name(tokens: int, past: int) -> str:
    return f"{tokens}, {past}"


def contenders(model: str, work: Path) -> dict[str, Callable[[], Passes]]:
    """By name, what opens each; exports are written into `work` when they are first wanted."""
    folder = locate(model)
    config = read_config(folder)

    def in_torch(dtype: str) -> Passes:
        return engine_passes(load_precision(folder, load_tokenizer(folder), dtype).engine)

    def exported(kind: str) -> Path:
        out = work / kind
        if not out.exists():
            export(model, out, "onnx" if kind == "onnx" else "openvino", int8=kind == "int8")
        return out

    def in_openvino(kind: str, dtype: str) -> Passes:
        out = exported(kind)
        return engine_passes(OpenVinoEngine(out, Manifest.read(out), precision=dtype, threads=1))

    found: dict[str, Callable[[], Passes]] = {
        "torch float32": partial(in_torch, "float32"),
        "torch bfloat16": partial(in_torch, "bfloat16"),
        "OpenVINO float32": partial(in_openvino, "openvino", "float32"),
    }
    if has_native_bfloat16():
        found["OpenVINO bfloat16"] = partial(in_openvino, "openvino", "bfloat16")
        found["OpenVINO bfloat16 with convolutions in int8"] = partial(in_openvino, "int8", "bfloat16")
        found["the same graphs by way of ONNX in OpenVINO bfloat16"] = partial(in_openvino, "onnx", "bfloat16")
    if importlib.util.find_spec("onnxruntime") is not None:
        found["ONNX Runtime float32"] = lambda: onnx_runtime_passes(exported("onnx"), config)
    return found


@torch.inference_mode()
def least_ms(sides: Mapping[str, Passes], rounds: int) -> dict[str, dict[str, float]]:
    """Processor time by contender and pass; a round is each pass of each, behind one that warms up."""
    least = {name: dict.fromkeys(passes, math.inf) for name, passes in sides.items()}
    for turn in range(rounds + 1):
        for name, passes in sides.items():
            for label, ready in passes.items():
                call = ready()
                started_s = time.process_time()
                call()
                spent_ms = 1000 * (time.process_time() - started_s)
                if turn:
                    least[name][label] = min(least[name][label], spent_ms)
    return least


def runtimes_table(found: Mapping[str, Mapping[str, float]], below: str) -> str:
    labels = list(next(iter(found.values())))
    rows = [[name, *(f"{times[label]:.1f}" for label in labels)] for name, times in found.items()]
    return f"{table(['', *labels], rows)}\n\n{below}"


def chosen(known: Sequence[str], only: str | None) -> list[str]:
    names = list(known) if only is None else only.split(",")
    if unknown := [name for name in names if name not in known]:
        raise InvalidArgumentError(f"--only {', '.join(unknown)}; valid here: {', '.join(known)}")
    return names


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--only", default=None, help="some of the rows, with commas")
    parser.add_argument("--model", default="tabletop")
    parser.add_argument("--out", type=Path, default=Path("bench-export.json"))
    parser.add_argument("--page", type=Path, default=None, const=PAGE, nargs="?", help="put the table on this page")
    options = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as work:
        known = contenders(options.model, Path(work))
        sides = {name: known[name]() for name in chosen(list(known), options.only)}
        found = least_ms(sides, options.rounds)
    versions = [f"torch {torch.__version__}", *map(_version, ("openvino", "onnxruntime"))]
    below = f"Least of {options.rounds}; {', '.join(filter(None, versions))}."
    figures: Figures = {"machine": machine(), "rounds": options.rounds, "versions": versions, "least_ms": found}
    told(figures, {"runtimes": runtimes_table(found, below)}, options.out, options.page)


def _version(package: str) -> str:
    if importlib.util.find_spec(package) is None:
        return ""
    return f"{package} {importlib.metadata.version(package)}"


if __name__ == "__main__":
    main()
