"""This project's side, through its public face."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, wraps

from PIL import Image

from kosmos_agent import prompts
from kosmos_agent.benchmarking.rounds import Call, Progress
from kosmos_agent.benchmarking.works import CAPTION_TOKENS, PHRASES, Work
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.frame import continue_frame, encode_frame
from kosmos_agent.inference.generate import Decoding, Written, generate
from kosmos_agent.model.int8_kernels import exact_kernels
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.model.packing import int8_layers, pack
from kosmos_agent.model.threads import torch_threads
from kosmos_agent.runtime.choosing import TORCH

NAME = "kosmos-agent"


@dataclass(frozen=True)
class Variant:
    """One way to run ours. dtype: of the products. runtime: as `Grounder.load` names it.

    as_shipped: with what the model's profile asks for, mirror images, second looks and a calibration, which
    `generate()` has no counterpart of; without it each picture gets one look.
    """

    dtype: str
    runtime: str = TORCH
    as_shipped: bool = False

    @property
    def name(self) -> str:
        kind = self.dtype if self.runtime == TORCH else f"{self.runtime} {self.dtype}"
        return f"{NAME} {kind}, as shipped" if self.as_shipped else f"{NAME} {kind}"


@dataclass(frozen=True)
class Ours:
    grounder: Grounder
    variant: Variant

    @classmethod
    def load(cls, model: str, variant: Variant, device: str, threads: int, say: Progress | None = None) -> Ours:
        """say: is told of what is made for the first time, such as 8-bit weights. torch keeps its threads."""
        with torch_threads():
            grounder = Grounder.load(
                model,
                dtype=variant.dtype,
                runtime=variant.runtime,
                device=device,
                threads=threads,
                calibrated=variant.as_shipped,
                zoom=None if variant.as_shipped else False,
                both_ways=None if variant.as_shipped else False,
                say=say,
            )
        return cls(grounder, variant)

    @property
    def name(self) -> str:
        return self.variant.name

    def settle(self) -> None:
        """Returns when no thread packs 8-bit weights any more, which would take a processor from the samples."""
        model = self.grounder.model
        if isinstance(model, Kosmos2) and int8_layers(model):
            pack(model, exact_kernels(model.device.type)[-1])

    def calls(self, picture: Image.Image) -> dict[Work, Call]:
        """Nothing is looked at before the first of them. Each leaves torch the threads that `Grounder.load` would."""
        calls = self._calls(picture)
        return calls if self.variant.runtime == TORCH else {work: _on_one_thread(call) for work, call in calls.items()}

    def _calls(self, picture: Image.Image) -> dict[Work, Call]:
        ready = cache(lambda: self.grounder.view(picture))
        decoding = Decoding(max_new_tokens=CAPTION_TOKENS)
        calls: dict[Work, Call] = {
            "new_1": lambda: self.grounder.view(picture).find(PHRASES[0]),
            "ready_1": lambda: ready().find(PHRASES[0]),
            "new_8": lambda: self.grounder.view(picture).find_all(PHRASES),
        }
        if self.variant.as_shipped:
            return {**calls, "caption": lambda: self.grounder.view(picture).caption()}
        return {**calls, "caption": lambda: write_caption(self.grounder, picture, decoding)}


def _on_one_thread(call: Call) -> Call:
    @wraps(call)
    def alone() -> object:
        with torch_threads(1):
            return call()

    return alone


def write_caption(grounder: Grounder, picture: Image.Image, decoding: Decoding) -> Written:
    """A brief caption of a new frame."""
    model, tokenizer = grounder.model, grounder.tokenizer
    frame = encode_frame(model, grounder.processor, picture)
    ids = tokenizer.encode_words(prompts.BRIEF_CAPTION)
    prompt = continue_frame(model, frame, [ids], room=decoding.max_new_tokens)
    return generate(model, tokenizer, prompt, decoding)[0]
