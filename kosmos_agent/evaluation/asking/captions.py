"""What is in the picture? Captions for scoring (paper 4.3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from kosmos_agent import prompts
from kosmos_agent.evaluation.asking.asker import Rgb
from kosmos_agent.evaluation.benchmarks.samples import CaptionSample
from kosmos_agent.evaluation.scores.texts import TextRecord
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.beams import Beams, beam_search
from kosmos_agent.inference.frame import continue_frame
from kosmos_agent.markup import from_tagged


@dataclass(frozen=True)
class WrittenCaptions:
    """`An image of`, without `<grounding>` unless asked for, beam search; its own words alone are the caption."""

    beams: int = 5
    max_new_tokens: int = 64
    grounded: bool = False

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"protocol": "paper", **asdict(self)}

    def __call__(self, grounder: Grounder, rgb: Rgb, samples: Sequence[CaptionSample]) -> list[TextRecord]:
        tokenizer = grounder.tokenizer
        prompt = tokenizer.encode_words(prompts.BRIEF_CAPTION if self.grounded else prompts.PLAIN_CAPTION)
        search = Beams(self.beams, self.max_new_tokens)
        frame = grounder.view(rgb).encoded
        read = continue_frame(grounder.model, frame, [prompt] * self.beams, self.max_new_tokens)
        best = beam_search(grounder.model, read, tokenizer.eos_id, search)
        text = from_tagged(tokenizer.decode(best.ids), tokenizer.grid_side).text
        return [_record(sample, rgb, text) for sample in samples]


@dataclass(frozen=True)
class ViewCaptions:
    """`View.caption`, brief."""

    zoom: bool | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"protocol": "view", **asdict(self)}

    def __call__(self, grounder: Grounder, rgb: Rgb, samples: Sequence[CaptionSample]) -> list[TextRecord]:
        text = grounder.view(rgb).caption("brief", zoom=self.zoom).text
        beginning = prompts.PLAIN_CAPTION.lower()
        words = text[len(beginning) :].strip() if text.lower().startswith(beginning) else text
        return [_record(sample, rgb, words) for sample in samples]


def _record(sample: CaptionSample, rgb: Rgb, text: str) -> TextRecord:
    height, width = rgb.shape[:2]
    return TextRecord(sample.id, sample.image, width, height, "", text, sample.references)
