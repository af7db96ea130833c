"""What was found is asked about once more, from near: is it what the phrase says, and is it the only one?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kosmos_agent.inference.ambiguity import BORNE_OUT_FROM, apart_from, others_written, with_others
from kosmos_agent.inference.clauses import ParsedPhrase
from kosmos_agent.inference.close_ups import second_looks
from kosmos_agent.inference.looks import Looks
from kosmos_agent.inference.second_opinion import Opinion, opinions
from kosmos_agent.inference.zoom import Zoom
from kosmos_agent.phrases import names_several
from kosmos_agent.results import Candidate, Grounding, with_opinion


def asked_again(
    looks: Looks,
    zoom: Zoom,
    answers: Sequence[Grounding],
    phrases: Sequence[ParsedPhrase],
    rivals: Mapping[str, Sequence[Candidate]],
) -> list[Grounding]:
    """All boxes in question are asked about together. Answers other than `found` are left as they are.

    rivals: `rivals.rivals_of`; a phrase whose plain head is not among them is taken to name one thing alone.
    """
    others = [_doubts(*pair, rivals) for pair in zip(answers, phrases, strict=True)]
    boxes = [item.box for group in others if group for item in group]
    heads = [phrase.plain_head for phrase, group in zip(phrases, others, strict=True) for _ in group or ()]
    told = iter(opinions(looks, zoom, boxes, heads) if boxes else ())
    judged: list[Grounding] = []
    for answer, phrase, group in zip(answers, phrases, others, strict=True):
        said = [next(told) for _ in group or ()]
        judged.append(_judged(looks, zoom, answer, phrase.plain_head, group, said) if group else answer)
    return judged


def _doubts(
    answer: Grounding, phrase: ParsedPhrase, rivals: Mapping[str, Sequence[Candidate]]
) -> list[Candidate] | None:
    """The thing that was found, then what else its name was written for; None where there is nothing to ask."""
    if answer.status != "found" or names_several(answer.phrase):
        return None
    written = rivals.get(phrase.plain_head, ()) if phrase.claims_nothing_of_place else ()
    return [answer.best, *others_written(answer.best.box, written)]


def _judged(
    looks: Looks, zoom: Zoom, answer: Grounding, head: str, group: Sequence[Candidate], said: Sequence[Opinion]
) -> Grounding:
    """group, said: of the thing that was found, then of others."""
    if said[0].contradicts:
        return with_opinion(answer, said[0].words)
    fitting = [item for item, told in zip(group[1:], said[1:], strict=True) if told.log_probability >= BORNE_OUT_FROM]
    if not fitting:
        return answer
    seen = second_looks(looks, zoom, [item.box for item in fitting], [head] * len(fitting))
    finer = [Candidate(box=look.box, probability=item.probability) for look, item in zip(seen, fitting, strict=True)]
    others = apart_from(answer.best.box, finer)
    return with_others(answer, others) if others else answer
