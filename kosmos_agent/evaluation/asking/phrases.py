"""Where is this phrase? Comprehension and phrase grounding (paper 4.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from kosmos_agent import prompts
from kosmos_agent.evaluation.asking.asker import Rgb, refusal
from kosmos_agent.evaluation.benchmarks.samples import BoxPx, GroundingSample
from kosmos_agent.evaluation.scores.boxes import GroundingRecord
from kosmos_agent.grounder import Grounder
from kosmos_agent.inference.frame import continue_frame
from kosmos_agent.inference.generate import Decoding, generate
from kosmos_agent.markup import post_process
from kosmos_agent.tokenizer import Tokenizer
from kosmos_agent.view import MAX_PHRASES, View


@dataclass(frozen=True)
class WrittenPhrases:
    """`<grounding> words before <phrase> phrase</phrase>`, then whatever the model writes, greedily.

    Boxes count where the entity's text equals the phrase (both as the tokenizer spells them, outer spaces off), all of
    them in the order in which they were written. no_repeat_ngram and grammar: `Decoding`; the published evaluation
    blocks 3-grams, tags among them, and knows no grammar. rows: phrases of one picture that are written in step.
    """

    max_new_tokens: int = 500
    no_repeat_ngram: int = 3
    grammar: bool = False
    rows: int = 8

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"protocol": "paper", **asdict(self)}

    def __call__(self, grounder: Grounder, rgb: Rgb, samples: Sequence[GroundingSample]) -> list[GroundingRecord]:
        refusals = [refusal(sample.phrase) or _before_refusal(sample) for sample in samples]
        view = grounder.view(rgb)
        asked = iter([sample for sample, reason in zip(samples, refusals, strict=True) if reason is None])
        written: list[str] = []
        while some := list(islice(asked, self.rows)):
            written += self._write(grounder, view, some)
        texts = iter(written)
        return [
            _record(grounder.tokenizer, sample, next(texts) if reason is None else "", reason)
            for sample, reason in zip(samples, refusals, strict=True)
        ]

    def _write(self, grounder: Grounder, view: View, samples: Sequence[GroundingSample]) -> list[str]:
        """Prompt and continuation of each, as tagged text."""
        tokenizer = grounder.tokenizer
        ids = [tokenizer.encode_words(prompts.phrase_in_caption(s.before, s.phrase)) for s in samples]
        decoding = Decoding(
            max_new_tokens=self.max_new_tokens,
            no_repeat_ngram=self.no_repeat_ngram,
            exempt_tags=self.grammar,
            grammar=self.grammar,
        )
        read = continue_frame(grounder.model, view.encoded, ids, self.max_new_tokens)
        rows = generate(grounder.model, tokenizer, read, decoding)
        return [tokenizer.decode([*prompt, *row.ids]) for prompt, row in zip(ids, rows, strict=True)]


@dataclass(frozen=True)
class FoundPhrases:
    """`View.find_all`: the candidates, the likeliest first; the words before a phrase are not told.

    A phrase that several boxes are right for is asked as it stands, for one thing.
    """

    zoom: bool | None = None

    @property
    def settings(self) -> Mapping[str, Any]:
        return {"protocol": "view", **asdict(self)}

    def __call__(self, grounder: Grounder, rgb: Rgb, samples: Sequence[GroundingSample]) -> list[GroundingRecord]:
        refusals = [refusal(sample.phrase) for sample in samples]
        phrases = [sample.phrase for sample, reason in zip(samples, refusals, strict=True) if reason is None]
        view = grounder.view(rgb)
        starts = range(0, len(phrases), MAX_PHRASES)
        found = iter([answer for k in starts for answer in view.find_all(phrases[k : k + MAX_PHRASES], zoom=self.zoom)])
        records = []
        for sample, reason in zip(samples, refusals, strict=True):
            answer = next(found) if reason is None else None
            boxes = [] if answer is None else [item.box for item in answer.candidates]
            boxes_px = tuple(box.to_pixels(sample.width, sample.height) for box in boxes)
            records.append(_made(sample, boxes_px, "" if answer is None else answer.status, reason))
        return records


def boxes_of_phrase(tokenizer: Tokenizer, text: str, sample: GroundingSample) -> tuple[BoxPx, ...]:
    """Of every entity in the tagged text whose words are the phrase; pixels, inverted ones as they were written."""
    wanted = tokenizer.decode(tokenizer.encode_words(prompts.phrase(sample.phrase)))
    wanted = post_process(wanted, tokenizer.grid_side)[0]
    _, entities = post_process(text, tokenizer.grid_side)
    return tuple(
        (x1 * sample.width, y1 * sample.height, x2 * sample.width, y2 * sample.height)
        for name, _, boxes in entities
        if name.strip() == wanted
        for x1, y1, x2, y2 in boxes
    )


def _before_refusal(sample: GroundingSample) -> str | None:
    return refusal(sample.before, prompts.MAX_TEXT_CHARACTERS) if sample.before.strip() else None


def _record(tokenizer: Tokenizer, sample: GroundingSample, text: str, refused: str | None) -> GroundingRecord:
    return _made(sample, boxes_of_phrase(tokenizer, text, sample) if text else (), text, refused)


def _made(sample: GroundingSample, boxes_px: tuple[BoxPx, ...], text: str, refused: str | None) -> GroundingRecord:
    return GroundingRecord(
        id=sample.id,
        image=sample.image,
        width=sample.width,
        height=sample.height,
        phrase=sample.phrase,
        kinds=sample.kinds,
        true_px=sample.boxes_px,
        boxes_px=boxes_px,
        text=text,
        refused=refused,
    )
