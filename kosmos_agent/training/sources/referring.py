"""Instructions made of a linked expression: six templates from box to words (paper, table 9), one from words to box."""

from __future__ import annotations

import numpy as np

from kosmos_agent.grit.sequences import grounded_ids
from kosmos_agent.prompts import EXPRESSION_TEMPLATES
from kosmos_agent.results import Entity, GroundedText
from kosmos_agent.training.rows.sample import SampleWriter


def expression_text(template: int, entity: Entity) -> GroundedText:
    """Template 0 to 5 filled: its "it" carries the boxes, the expression is said in words."""
    before, subject, after = EXPRESSION_TEMPLATES[template]
    lead = f"{before} " if before else ""
    text = lead + subject + after.format(entity.text)
    pointer = Entity(text=subject, start=len(lead), end=len(lead) + len(subject), boxes=entity.boxes)
    return GroundedText(text=text, entities=(pointer,))


def as_expression(writer: SampleWriter, entity: Entity, random: np.random.Generator) -> SampleWriter:
    """A box is given, what is in it is learnt."""
    text = expression_text(int(random.integers(len(EXPRESSION_TEMPLATES))), entity)
    return _after(writer, text, writer.tokenizer.object_end_id)


def as_location(writer: SampleWriter, entity: Entity) -> SampleWriter:
    """`<phrase> expression </phrase>` is given, its boxes are learnt."""
    whole = Entity(text=entity.text, start=0, end=len(entity.text), boxes=entity.boxes)
    return _after(writer, GroundedText(text=entity.text, entities=(whole,)), writer.tokenizer.phrase_end_id)


def _after(writer: SampleWriter, text: GroundedText, last_given: int) -> SampleWriter:
    ids = grounded_ids(text, writer.tokenizer)
    cut = ids.index(last_given) + 1
    return writer.add(ids[:cut], learn=False).add(ids[cut:])
