"""English commands -> typed plans (pure). A closed grammar: what it does not know, it does not guess at.

All or nothing: a command of which one clause is not understood is not begun. Only words outside quotation marks ask
for anything. "It" is the thing named or moved last; where something is put down, it is first the thing in the gripper.
"""

from __future__ import annotations

import re

from langchain_kosmos.plans import NotUnderstood, Pick, Place, Plan, Step, thing_of
from langchain_kosmos.rules import read
from langchain_kosmos.sentences import MAX_CHARACTERS, MAX_CLAUSES, clauses, take_out_quotes
from langchain_kosmos.things import Context, Unclear

KINDS = (
    'find: "find the red cup", "where is the spoon?", "how many cups are there?"',
    'look: "what is on the table?", "is there a spoon left of the plate?", "describe the red cup"',
    'move: "pick up the red cup", "put it in the blue bowl", "put the spoon left of the plate"',
)
"""The kinds of commands that are understood, an example of each wording."""

_ABOUT_ORDERS = re.compile(
    r"\b(?:ignore|disregard|forget|override|bypass)\b.*\b(?:instructions?|orders?|rules?|prompts?|above)\b", re.I | re.S
)

_NOT_TO = re.compile(
    r"\b(?:do not|don't|dont|never(?! ?mind)|must not|mustn't|should not|shouldn't|not to|but not)\b", re.I
)
_ONLY_WHEN = re.compile(
    r"\b(?:unless|until|when|while|before|except|instead|only|once|after(?! that\b)|"
    r"(?<!check )(?<!tell me )(?<!see )(?<!know )if(?! so\b))\b",
    re.I,
)


def parse(text: str, *, last: str | None = None, held: str | None = None) -> Plan | NotUnderstood:
    """Never raises. last, held: the phrases of the thing named last, and in the gripper, before this command."""
    if len(text) > MAX_CHARACTERS:
        return NotUnderstood(text[:40] + " ...", f"it is longer than {MAX_CHARACTERS} characters")
    marked, quotes = take_out_quotes(text)
    if _ABOUT_ORDERS.search(marked):
        return NotUnderstood(quotes.restore(marked), "it speaks of instructions, not of things")
    if _NOT_TO.search(marked):
        return NotUnderstood(quotes.restore(marked), "it says what not to do; say only what to do")
    parts = clauses(marked)
    if not parts:
        return NotUnderstood(quotes.restore(marked))
    if len(parts) > MAX_CLAUSES:
        return NotUnderstood(quotes.restore(parts[MAX_CLAUSES]), f"more than {MAX_CLAUSES} things in one command")
    try:
        plan = Plan(_steps(parts, Context(last, held, quotes)))
    except Unclear as unclear:
        return unclear.answer
    # A condition that went into a phrase would be lost, and the arm would move without it.
    if _ONLY_WHEN.search(marked) and any(isinstance(step, Pick | Place) for step in plan.steps):
        return NotUnderstood(quotes.restore(marked), "it names a condition; say only what to do")
    return plan


def _steps(parts: list[str], context: Context) -> tuple[Step, ...]:
    steps: list[Step] = []
    for part in parts:
        for step in read(part, context):
            steps.append(step)
            context = after(step, context)
    return tuple(steps)


def after(step: Step, context: Context) -> Context:
    """What "it" may stand for once the step is done."""
    if isinstance(step, Pick):
        context = context.holding(step.phrase)
    if isinstance(step, Place):
        return context.naming(context.held or step.phrase).holding(None)
    return context.naming(thing_of(step))
