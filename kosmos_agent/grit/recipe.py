"""The recipe of GrIT for one pair (specification 5.1): `propose` phrases, `detect` their boxes, `assemble` a row.

Each stage takes what the one before it gives and nothing else, so that they may run in one process or on many machines.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grit.chunks import visible_chunks
from kosmos_agent.grit.containment import Span, drop_contained
from kosmos_agent.grit.detection import Detection, Detector
from kosmos_agent.grit.errors import InvalidRecordError, NothingGroundedError, PipelineError
from kosmos_agent.grit.expressions import characters, expression_tokens
from kosmos_agent.grit.parsing import Parser, parse
from kosmos_agent.grit.records import GritRecord, SpanBox, is_text, origin
from kosmos_agent.grit.samples import Sample
from kosmos_agent.grit.suppression import suppress, sure

MIN_SCORE = 0.65
MAX_IOU = 0.5


@dataclass(frozen=True)
class Recipe:
    """min_score: boxes must be surer than that (the paper's line). max_iou: of suppression; the paper's is unpublished.

    contained: whether `ref_exps` keeps spans that lie in another one. The released files do, and readers drop them.
    """

    min_score: float = MIN_SCORE
    max_iou: float = MAX_IOU
    contained: Literal["keep", "drop"] = "keep"

    def __post_init__(self) -> None:
        if not (0.0 <= self.min_score <= 1.0 and 0.0 <= self.max_iou <= 1.0 and self.contained in ("keep", "drop")):
            raise InvalidArgumentError(
                f"min_score {self.min_score}, max_iou {self.max_iou}, contained {self.contained!r}; valid: 0 to 1, "
                "0 to 1, keep or drop"
            )

    def settings(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Phrase:
    """Characters of a noun chunk, which the detector is asked for, and of the expression that takes its boxes."""

    chunk: Span
    expression: Span


@dataclass(frozen=True)
class Proposal:
    """A pair with its phrases, by place. facts: what the sample's JSON says of it."""

    sample: Sample
    caption: str
    facts: Mapping[str, Any] = field(repr=False)
    phrases: tuple[Phrase, ...]

    def without_picture(self) -> Proposal:
        return replace(self, sample=Sample(self.sample.key, {}))

    def words(self) -> list[str]:
        """What the detector is asked for."""
        return [self.caption[start:end] for start, end in (phrase.chunk for phrase in self.phrases)]


@dataclass(frozen=True)
class Detected:
    """All boxes for the phrases of a proposal. width, height: of the picture, pixels."""

    width: int
    height: int
    detections: tuple[Detection, ...]


def propose(sample: Sample, parser: Parser) -> Proposal:
    """Noun chunks that may be seen, each with its expression. InvalidCaptionError, InvalidRecordError.

    NothingGroundedError where the caption names nothing that may be seen.
    """
    if not is_text(sample.key):
        raise InvalidRecordError(f"the key {sample.key!r} is no UTF-8")
    caption, facts = sample.caption(), sample.facts()
    doc = parse(parser, caption)
    phrases = tuple(
        Phrase(characters(doc, (chunk.first, chunk.last)), characters(doc, expression_tokens(doc, chunk)))
        for chunk in visible_chunks(doc)
    )
    if not phrases:
        raise NothingGroundedError(f"{caption!r:.120} names nothing that may be seen")
    return Proposal(sample, caption, facts, phrases)


def detect(proposal: Proposal, detector: Detector) -> Detected:
    """InvalidImageError for a picture that is none, is damaged or too large. PipelineError for a box of no phrase."""
    image, words = proposal.sample.image(), proposal.words()
    found = tuple(detector.detect(image, words))
    strangers = [item.phrase for item in found if not 0 <= item.phrase < len(words)]
    if strangers:
        raise PipelineError(f"the detector has a box for phrase {strangers[0]}; valid: 0 to {len(words) - 1}, as asked")
    return Detected(image.width, image.height, found)


def assemble(proposal: Proposal, detected: Detected, recipe: Recipe) -> GritRecord:
    """Suppression, threshold, expressions, containment. NothingGroundedError where no box is left."""
    kept = sure(suppress(detected.detections, recipe.max_iou), recipe.min_score)
    if not kept:
        surest = max((item.score for item in detected.detections), default=0.0)
        raise NothingGroundedError(f"no box is surer than {recipe.min_score:g}; the surest of all was {surest:.3f}")
    by_phrase = sorted(kept, key=lambda item: item.phrase)
    expressions = _rows(by_phrase, [phrase.expression for phrase in proposal.phrases])
    return GritRecord(
        key=proposal.sample.key,
        caption=proposal.caption,
        width=detected.width,
        height=detected.height,
        noun_chunks=_rows(by_phrase, [phrase.chunk for phrase in proposal.phrases]),
        ref_exps=drop_contained(expressions) if recipe.contained == "drop" else expressions,
        **origin(proposal.facts),
    )


def _rows(kept: Sequence[Detection], spans: Sequence[Span]) -> tuple[SpanBox, ...]:
    return tuple(SpanBox(*spans[item.phrase], item.box.corners, item.score) for item in kept)
