"""How much a device gets through: frames by phrases asked of each, captions, frames that are read in one batch.

Latency is the question on a robot's CPU, and `works` asks it; on a GPU, which one frame does not fill, so is this.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from PIL import Image
from pydantic import BaseModel, ConfigDict

from kosmos_agent import prompts
from kosmos_agent.benchmarking.ours import Ours, write_caption
from kosmos_agent.benchmarking.rounds import Call, Plan, Progress, time_in_turn
from kosmos_agent.benchmarking.timing import Timing
from kosmos_agent.benchmarking.transformers_side import CarefulUse, TransformersSide
from kosmos_agent.benchmarking.works import CAPTION_TOKENS, PHRASES
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.corners import score_corners
from kosmos_agent.inference.frame import encode_frames
from kosmos_agent.inference.generate import Decoding

PHRASE_COUNTS = (1, 8, 64)
BATCHES = (8, 32)
_CAPTIONS = "captions/s"


class Rate(BaseModel):
    """timing: of a call, which gets through `items` frames or captions."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    items: int
    timing: Timing

    @property
    def per_second(self) -> float:
        return 1000 * self.items / self.timing.median_ms


Counted = tuple[int, Call]
"""Frames or captions that a call gets through, and the call."""


def measure_throughput(
    sides: Sequence[Ours | CarefulUse], picture: Image.Image, plan: Plan, progress: Progress = lambda words: None
) -> dict[str, dict[str, Rate]]:
    """By kind, by contender, in turn. What only one side does is there all the same."""
    calls = {side.name: _calls(side, picture) for side in sides}
    kinds = dict.fromkeys(kind for its in calls.values() for kind in its)
    rates: dict[str, dict[str, Rate]] = {}
    for kind in kinds:
        doing = {name: its[kind] for name, its in calls.items() if kind in its}
        timings = time_in_turn({name: call for name, (_, call) in doing.items()}, plan, _telling(progress, kind))
        rates[kind] = {name: Rate(items=items, timing=timings[name]) for name, (items, _) in doing.items()}
    return rates


def frames_with(phrases: int) -> str:
    return f"frames/s, {phrases} {'phrase' if phrases == 1 else 'phrases'} each"


def batches_of(frames: int) -> str:
    return f"frames/s, {frames} in a batch, 1 phrase each"


def _telling(progress: Progress, kind: str) -> Progress:
    return lambda words: progress(f"{kind}: {words}")


def _calls(side: Ours | CarefulUse, picture: Image.Image) -> Mapping[str, Counted]:
    return our_calls(side.grounder, picture) if isinstance(side, Ours) else their_calls(side.side, picture)


def our_calls(grounder: Grounder, picture: Image.Image) -> dict[str, Counted]:
    """Each of a new frame, pixels and all."""
    calls = _by_phrases(lambda phrases: grounder.view(picture).find_all(phrases))
    calls[_CAPTIONS] = (1, lambda: write_caption(grounder, picture, Decoding(max_new_tokens=CAPTION_TOKENS)))
    return calls | {batches_of(count): (count, partial(_batch, grounder, picture, count)) for count in BATCHES}


def their_calls(side: TransformersSide, picture: Image.Image) -> dict[str, Counted]:
    """As a careful user has it: the picture once, all of its phrases in one batch."""
    calls = _by_phrases(lambda phrases: side.write_boxes(side.embeds(picture), phrases))
    return calls | {_CAPTIONS: (1, lambda: side.write_caption(picture).tolist())}


def _by_phrases(ask: Callable[[Sequence[str]], object]) -> dict[str, Counted]:
    return {frames_with(count): (1, partial(ask, _phrases(count))) for count in PHRASE_COUNTS}


def _phrases(count: int) -> list[str]:
    """What they say does not change what they cost."""
    return [PHRASES[k % len(PHRASES)] for k in range(count)]


def _batch(grounder: Grounder, picture: Image.Image, count: int) -> object:
    """One pass for the pictures, and one for a phrase about each."""
    frames = encode_frames(grounder.model, grounder.processor, [picture] * count)
    text = grounder.tokenizer.encode_words(prompts.phrase_grounding(PHRASES[0]))
    return score_corners(grounder.model, grounder.tokenizer, [frames], [[text]] * count)
