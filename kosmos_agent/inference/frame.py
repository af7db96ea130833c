"""One camera frame, looked at once: vision, resampler, and the decoder's keys and values of the image prefix."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from kosmos_agent.inference.devices import synchronise
from kosmos_agent.inference.prompt import ReadPrompt, UnreadPrompt, read
from kosmos_agent.model.engine import Engine
from kosmos_agent.processor import Picture, Processor


class EncodedFrame:
    """`<s><image>[slots]</image>` as a prompt that every question continues; of several pictures, a row for each.

    timings_ms: of the stages that are done. Threads may share it.
    """

    def __init__(self, prefix: ReadPrompt | UnreadPrompt, timings_ms: Mapping[str, float] | None = None) -> None:
        self.timings_ms = dict(timings_ms or {})
        self._prefix = prefix
        self._reading = threading.Lock()

    @property
    def prefix(self) -> ReadPrompt:
        """Read now where it was not yet."""
        with self._reading:
            if isinstance(self._prefix, UnreadPrompt):
                self._prefix = self._prefix.read()
            return self._prefix

    @property
    def unread(self) -> UnreadPrompt | None:
        """What the decoder has not seen: the first question can be read in one pass with it, and then `keep` that."""
        prefix = self._prefix
        return prefix if isinstance(prefix, UnreadPrompt) else None

    def keep(self, prefix: ReadPrompt) -> None:
        with self._reading:
            self._prefix = prefix

    def row(self, index: int) -> EncodedFrame:
        """One picture of several by itself; its stages took as long as those of all."""
        return EncodedFrame(self.prefix.row(index), self.timings_ms)


def encode_frame(model: Engine, processor: Processor, picture: Picture) -> EncodedFrame:
    """The costly half of an answer, done once per picture. The decoder waits for the first question."""
    clock = Stopwatch(model.device)
    return EncodedFrame(_seen(model, processor, [picture], clock), clock.laps_ms)


def encode_frames(model: Engine, processor: Processor, pictures: Sequence[Picture]) -> EncodedFrame:
    """Several pictures in one pass; the rows cannot be told from those of single ones but by rounding."""
    clock = Stopwatch(model.device)
    prefix = _seen(model, processor, pictures, clock).read()
    clock.lap("prefix")
    return EncodedFrame(prefix, clock.laps_ms)


@torch.inference_mode()
def _seen(model: Engine, processor: Processor, pictures: Sequence[Picture], clock: Stopwatch) -> UnreadPrompt:
    pixels = processor.pixels(pictures).to(device=model.device, dtype=model.dtype)
    clock.lap("preprocess")
    image_embeds = model.encode_image(pixels)
    clock.lap("vision")
    row = processor.image_row
    ids = torch.tensor([[processor.tokenizer.bos_id, *row.ids]], device=model.device).expand(len(pictures), -1)
    image_mask = torch.tensor([[0, *row.image_mask]], device=model.device).expand(len(pictures), -1)
    return UnreadPrompt(model, ids, image_embeds, image_mask)


def continue_frame(model: Engine, frame: EncodedFrame, texts: Sequence[Sequence[int]], room: int) -> ReadPrompt:
    """Read texts behind the frame, a row for each (behind several frames, one each); they can be continued again."""
    longest = max(map(len, texts))
    pads = [longest - len(text) for text in texts]
    ids: Tensor = torch.tensor([[0] * pad + list(text) for pad, text in zip(pads, texts, strict=True)])
    mask: Tensor = torch.tensor([[0] * pad + [1] * len(text) for pad, text in zip(pads, texts, strict=True)])
    return read(model, ids.to(model.device), attention_mask=mask.to(model.device), after=frame.prefix, room=room)


class Stopwatch:
    """Milliseconds per stage, monotonic; work still under way on `device` belongs to the stage that ends."""

    def __init__(self, device: torch.device) -> None:
        self.laps_ms: dict[str, float] = {}
        self._device = device
        self._last = time.perf_counter()

    def lap(self, name: str) -> None:
        synchronise(self._device)
        now = time.perf_counter()
        self.laps_ms[name] = self.laps_ms.get(name, 0.0) + (now - self._last) * 1000
        self._last = now
