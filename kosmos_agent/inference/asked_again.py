"""What was found is asked about once more, from near: is it what the phrase says, and is it the only one?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from kosmos_agent.inference.ambiguity import offering, others_written, settled
from kosmos_agent.inference.candidates import apart
from kosmos_agent.inference.clauses import ParsedPhrase
from kosmos_agent.inference.close_ups import second_looks
from kosmos_agent.inference.looks import Looks
from kosmos_agent.inference.second_opinion import Opinion, opinions
from kosmos_agent.inference.zoom import Zoom
from kosmos_agent.phrases import names_several
from kosmos_agent.results import Candidate, Grounding, with_opinion


def is_asked_again(answer: Grounding) -> bool:
    """What is said to be there, for a phrase that names one thing."""
    return answer.status in ("found", "ambiguous") and not names_several(answer.phrase)


def asked_again(
    looks: Looks,
    zoom: Zoom,
    answers: Sequence[Grounding],
    phrases: Sequence[ParsedPhrase],
    rivals: Mapping[str, Sequence[Candidate]],
    min_probability: float,
) -> list[Grounding]:
    """All boxes in question are asked about together; answers that are not `is_asked_again` are left as they are.

    rivals: `rivals.rivals_of`; a phrase whose plain head is not among them is taken to name one thing alone.
    min_probability: that one thing, of several candidates, must have to be found.
    """
    doubts = [
        _Doubt.of(answer, phrase, rivals) if is_asked_again(answer) else None
        for answer, phrase in zip(answers, phrases, strict=True)
    ]
    boxes = [item.box for doubt in doubts if doubt for item in (*doubt.own, *doubt.others)]
    heads = [doubt.head for doubt in doubts if doubt for _ in (*doubt.own, *doubt.others)]
    told = iter(opinions(looks, zoom, boxes, heads) if boxes else ())
    return [
        answer
        if doubt is None
        else doubt.resolved(looks, zoom, list(islice(told, len(doubt.own) + len(doubt.others))), min_probability)
        for answer, doubt in zip(answers, doubts, strict=True)
    ]


@dataclass(frozen=True)
class _Doubt:
    """own: the thing that was found, or those that rival. others: what else its name was written for."""

    answer: Grounding
    head: str
    own: tuple[Candidate, ...]
    others: tuple[Candidate, ...]

    @classmethod
    def of(cls, answer: Grounding, phrase: ParsedPhrase, rivals: Mapping[str, Sequence[Candidate]]) -> _Doubt:
        own = answer.candidates if answer.status == "ambiguous" else answer.candidates[:1]
        written = rivals.get(phrase.plain_head, ()) if phrase.claims_nothing_of_place else ()
        return cls(answer, phrase.plain_head, own, tuple(others_written([item.box for item in own], written)))

    def resolved(self, looks: Looks, zoom: Zoom, said: Sequence[Opinion], min_probability: float) -> Grounding:
        """said: of its own things, then of the others. An own one stands unless it is contradicted; of the others only
        that counts which the phrase is borne out for.
        """
        told = dict(zip(self.own, said, strict=False))
        standing = [item for item in self.own if not told[item].contradicts]
        if not standing:
            return with_opinion(self.answer, said[0].words)
        others = zip(self.others, said[len(self.own) :], strict=True)
        fitting = [*standing, *self._closer(looks, zoom, [item for item, opinion in others if opinion.bears_out])]
        if len(fitting) > 1:
            return offering(self.answer, fitting)
        if self.answer.status == "found":
            return self.answer
        (thing,) = standing
        checked = thing is self.own[0] or not self.answer.clauses
        sure = checked and told[thing].bears_out and thing.probability >= min_probability
        return settled(self.answer, thing, "found" if sure else "cannot_tell")

    def _closer(self, looks: Looks, zoom: Zoom, others: Sequence[Candidate]) -> list[Candidate]:
        """With finer boxes; none is likelier than the best own one, which was found."""
        if not others:
            return []
        seen = second_looks(looks, zoom, [item.box for item in others], [self.head] * len(others))
        best = self.own[0].probability
        finer = [
            Candidate(box=look.box, probability=item.probability * best)
            for look, item in zip(seen, others, strict=True)
        ]
        return apart(finer, [item.box for item in self.own])
