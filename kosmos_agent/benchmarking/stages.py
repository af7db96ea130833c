"""The stages of an answer by themselves: what each must compute and read, how long it takes, and the floor of both.

No stage can be quicker than its operations at the machine's rate for large products, nor than its weights and keys at
the machine's rate of reading: the larger of the two is its floor.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import partial

import torch
from pydantic import BaseModel, ConfigDict
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from kosmos_agent import prompts
from kosmos_agent.benchmarking.machine import Limits
from kosmos_agent.benchmarking.rounds import Call, Plan, Progress, time_in_turn
from kosmos_agent.benchmarking.timing import Timing
from kosmos_agent.benchmarking.works import PHRASES
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.packed_texts import PackedTexts
from kosmos_agent.model.cache import KVCache
from kosmos_agent.model.decoder import FIRST_POSITION
from kosmos_agent.model.int8_linear import Int8Linear
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.model.skeleton import skeleton

STAGES: Mapping[str, str] = {
    "vision": "picture to image slots",
    "prefix": "image slots read by the decoder",
    "phrases_8": "eight phrases behind them, packed",
    "decode": "one token",
    "head": "output head, one token, whole vocabulary",
}


class StageFigures(BaseModel):
    """giga_operations, megabytes: what must be computed and read. floor_ms and bound: by which of the two.

    reached: floor over measured median, 1 at most but for noise.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: int
    giga_operations: float
    megabytes: float
    floor_ms: float
    bound: str
    timing: Timing
    reached: float


@dataclass(frozen=True)
class Work:
    """operations: a multiplication and an addition are two."""

    operations: float
    bytes_read: float

    def floor_s(self, operations_s: float, bytes_s: float) -> tuple[float, str]:
        """Seconds, and which of the two limits it is."""
        compute_s, read_s = self.operations / operations_s, self.bytes_read / bytes_s
        return (compute_s, "arithmetic") if compute_s >= read_s else (read_s, "reading")


@dataclass(frozen=True)
class StageShapes:
    """Tokens that each stage handles: of the image prefix, and of each phrase with `<object>`."""

    prefix: int
    phrases: tuple[int, ...]

    @classmethod
    def of(cls, grounder: Grounder) -> StageShapes:
        encode = grounder.tokenizer.encode_words
        lengths = tuple(len(encode(prompts.phrase_grounding(phrase))) + 1 for phrase in PHRASES)
        return cls(1 + len(grounder.processor.image_row.ids), lengths)

    def tokens(self, stage: str) -> int:
        counts = {"prefix": self.prefix, "phrases_8": sum(self.phrases), "decode": 1, "head": 1}
        return counts.get(stage, 0)


def stage_figures(
    grounder: Grounder, limits: Limits, number_type: str, plan: Plan, progress: Progress = lambda words: None
) -> dict[str, StageFigures]:
    """number_type: of the products, a key of `limits.gemm_gops`."""
    shapes, model = StageShapes.of(grounder), torch_model(grounder)
    timings = time_in_turn(stage_calls(model, shapes), plan, progress)
    operations = count_operations(grounder, shapes)
    figures = {}
    for stage, timing in timings.items():
        work = Work(operations[stage], bytes_read(model, stage, shapes))
        floor_s, bound = work.floor_s(limits.gemm_gops[number_type] * 1e9, limits.read_gb_s * 1e9)
        figures[stage] = StageFigures(
            tokens=shapes.tokens(stage),
            giga_operations=work.operations / 1e9,
            megabytes=work.bytes_read / 1e6,
            floor_ms=1000 * floor_s,
            bound=bound,
            timing=timing,
            reached=1000 * floor_s / timing.median_ms,
        )
    return figures


def torch_model(grounder: Grounder) -> Kosmos2:
    """InvalidArgumentError where a graph of another runtime computes: it has no modules to look into."""
    if not isinstance(grounder.model, Kosmos2):
        raise InvalidArgumentError("stages of an exported graph cannot be told apart; valid: runtime torch")
    return grounder.model


def count_operations(grounder: Grounder, shapes: StageShapes) -> dict[str, float]:
    """Of each stage, counted on a model of the same shape without weights: products and convolutions alone."""
    empty = skeleton(grounder.model.config).to("meta").eval().requires_grad_(False)
    counts = {}
    for stage, call in stage_calls(empty, shapes).items():
        with FlopCounterMode(display=False) as counter:
            call()
        counts[stage] = float(counter.get_total_flops())
    return counts


def bytes_read(model: Kosmos2, stage: str, shapes: StageShapes) -> float:
    """Weights of the stage as they lie in memory, and the keys and values that it looks back at."""
    decoder = model.text_model.model
    if stage == "vision":
        return _nbytes([model.vision_model, model.image_to_text_projection])
    if stage == "head":
        return _nbytes([model.head or decoder.embed_tokens])
    text = model.config.text
    seen = 0 if stage == "prefix" else shapes.prefix
    cache = 2 * text.layers * seen * text.embed_dim * model.dtype.itemsize
    return _nbytes([decoder.layers]) + cache


def stage_calls(model: Kosmos2, shapes: StageShapes) -> dict[str, Call]:
    """Each on zeros of the right shape."""
    size, width = model.config.vision.image_size, model.config.text.embed_dim
    zeros = partial(torch.zeros, device=model.device, dtype=model.dtype)
    pixels, state, prefix = zeros(1, 3, size, size), zeros(1, 1, width), zeros(1, shapes.prefix, width)
    packed = zeros(1, sum(shapes.phrases), width)
    triangle = torch.ones(shapes.prefix, shapes.prefix, dtype=torch.bool, device=model.device).tril()[None, None]
    behind = PackedTexts.of([[[0] * length for length in shapes.phrases]], model.device).mask(shapes.prefix)
    calls: dict[str, Call] = {
        "vision": lambda: model.encode_image(pixels),
        "prefix": lambda: _decode(model, prefix, triangle, model.new_cache(1, shapes.prefix)),
        "phrases_8": lambda: _decode(model, packed, behind, _filled(model, shapes.prefix, packed.shape[1])),
        "decode": lambda: _decode(model, state, None, _filled(model, shapes.prefix, 1)),
        "head": lambda: model.logits(state),
    }
    return {name: torch.inference_mode()(call) for name, call in calls.items()}


def _decode(model: Kosmos2, embeds: Tensor, mask: Tensor | None, cache: KVCache) -> Tensor:
    first = FIRST_POSITION + cache.length
    positions = torch.arange(first, first + embeds.shape[1], device=model.device)[None]
    return model.decode(embeds, positions, mask=mask, cache=cache)


def _filled(model: Kosmos2, length: int, room: int) -> KVCache:
    """A cache as it is behind a frame; what it holds is anything."""
    cache = model.new_cache(1, length + room)
    cache.keys.zero_()
    cache.values.zero_()
    cache.advance(length)
    return cache


def _nbytes(modules: Iterable[nn.Module]) -> float:
    """Each tensor once, though modules may share it; 8-bit codes, which a kernel keeps in a form of its own, too."""
    sizes: dict[int, int] = {}
    for module in (inner for outer in modules for inner in outer.modules()):
        sizes |= {id(tensor): tensor.nbytes for tensor in (*module.parameters(), *module.buffers())}
        if isinstance(module, Int8Linear):
            sizes[id(module)] = module.in_features * module.out_features
    return float(sum(sizes.values()))
