"""What each kind of clause asks for: wordings and the steps they stand for, the first that fits counts (pure)."""

from __future__ import annotations

import re
from collections.abc import Callable

from langchain_kosmos.destinations import leading, split
from langchain_kosmos.plans import (
    Ask,
    Check,
    Count,
    DescribeScene,
    DescribeThing,
    Find,
    Help,
    Locate,
    Pick,
    Place,
    PlaceRelation,
    Step,
    Stop,
)
from langchain_kosmos.things import Context, Unclear, held_or_last, one_thing, several, thing

Maker = Callable[[re.Match[str], Context], tuple[Step, ...]]

PLACES = "on, in, left of, right of, in front of, behind or next to another thing"
SAY_WHERE = f"say where to put it: {PLACES}"

_SCENE = (
    r"(?:(?:the|this|that|your) )?(?:whole )?"
    r"(?:scene|table(?:top)?|picture|image|view|room|surroundings|workspace|everything|what you see|"
    r"what you can see|what is (?:there|here|on the table))"
)
_LYING = (
    r"(?: that)?(?: (?:are|is|lie|lies|stand|stands))?(?: there)?"
    r"(?: (?:on|in) (?:the |this )?(?:table|scene|picture|image|view))?(?: here)?"
)


def read(clause: str, context: Context) -> tuple[Step, ...]:
    """The steps of one clause without politeness; Unclear where there is no rule for it."""
    asked = _ASKING.sub("", clause)
    for pattern, maker in _RULES:
        match = pattern.fullmatch(asked)
        if match is not None:
            return maker(match, context)
    raise Unclear(context.quotes.restore(clause))


_ASKING = re.compile(
    r"^(?:tell me|let me know|check|see|find out|show me|say)\s+(?:if\s+|whether\s+)?"
    r"(?=(?:there|where|what|which|how|is|are)\b)",
    re.I,
)


def _put(match: re.Match[str], context: Context) -> tuple[Step, ...]:
    rest, lowered = _without_down(match["rest"] or "")
    at = leading(rest)
    if at is not None:
        return _placing("", at[0], at[1], context)
    parts = split(rest)
    if parts is not None:
        return _placing(parts.thing, parts.relation, parts.anchor, context)
    if not lowered and match["verb"].lower() not in ("drop", "release", "let go of", "let go"):
        raise Unclear(context.quotes.restore(match[0]), SAY_WHERE)
    if context.held is None or held_or_last(rest, context) != context.held:
        raise Unclear(context.quotes.restore(match[0]), "that is not held, as far as I know")
    return (Place(None),)


def _placing(moved: str, relation: PlaceRelation, anchor: str, context: Context) -> tuple[Step, ...]:
    phrase = held_or_last(moved, context)
    at = thing(anchor, context)
    if len(several(anchor)) > 1:
        raise Unclear(at, "it shall be put at one thing; name one")
    if at == phrase:
        raise Unclear(at, "nothing can be put at itself; name another thing")
    return (*_taken(phrase, context), Place(at, relation))


def _taken(phrase: str, context: Context) -> tuple[Step, ...]:
    return () if phrase == context.held else (Pick(phrase),)


def _without_down(rest: str) -> tuple[str, bool]:
    bare, count = re.subn(r"(?:^|\s+)(?:back )?down(?=\s|$)", "", rest, count=1, flags=re.I)
    return bare.strip(), count > 0


def _give(match: re.Match[str], context: Context) -> tuple[Step, ...]:
    return (Pick(one_thing(match["x"], context), to_person=True),)


def _pick(match: re.Match[str], context: Context) -> tuple[Step, ...]:
    return (Pick(one_thing(match["x"], context)),)


def _each(kind: Callable[[str], Step]) -> Maker:
    return lambda match, context: tuple(kind(thing(name, context)) for name in several(match["x"]))


def _check_place(match: re.Match[str], context: Context) -> tuple[Step, ...]:
    return (Check(f"{thing(match['x'], context)} {match['place']} {thing(match['y'], context)}"),)


def _count(match: re.Match[str], context: Context) -> tuple[Step, ...]:
    words = re.sub(r"^(?:all )?(?:of )?(?:the )?", "", match["x"] or match["y"], flags=re.I)
    words = _IS_PLACED.sub(" ", words)
    return (Count(f"the {thing(words, context)}"),)


def _ask(match: re.Match[str], context: Context) -> tuple[Step, ...]:
    words = _IT.sub(lambda it: thing(it[0], context), match[0], count=1)
    words = context.quotes.restore(words)
    return (Ask(words[0].upper() + words[1:] + "?"),)


def _always(step: Step) -> Maker:
    return lambda match, context: (step,)


_PLACED = (
    r"(?:to the )?left of|on the left of|(?:to the )?right of|on the right of|in front of|behind|next to|beside|near|"
    r"on top of|on|in|inside"
)
_NOT_SO = (
    r"(?<! red)(?<! orange)(?<! yellow)(?<! green)(?<! blue)(?<! purple)(?<! pink)(?<! brown)(?<! black)(?<! white)"
    r"(?<! gr[ae]y)(?<! full)(?<! empty)(?<! big)(?<! small)(?<! large)(?<! round)(?<! open)(?<! closed)"
)
"""`is the cup left of the plate red?` asks for more than a place."""
_IS_PLACED = re.compile(rf"\s+(?:are|is|lie|stand)\s+(?=(?:{_PLACED})\s)", re.I)
_IT = re.compile(r"\bit\b", re.I)
_TABLE: tuple[tuple[str, Maker], ...] = (
    (r"(?:show me )?help|what (?:can|do) (?:you|i) (?:do|say|ask|understand)(?: (?:you|for))?", _always(Help())),
    (r"(?:stop|cancel|abort|halt|never ?mind|forget)(?: (?:it|that|this|everything|now))?", _always(Stop())),
    (r"(?P<verb>put|place|set|lay|drop|move|transfer|stack|release|let go of|let go)(?:\s+(?P<rest>.+))?", _put),
    (r"(?:bring|give|hand|pass|fetch|get) me (?P<x>.+)", _give),
    (r"(?:bring|give|hand|pass|fetch|get|take) (?P<x>.+?)(?: over)? to me", _give),
    (r"(?:bring|hand|pass|fetch)(?: over)? (?P<x>.+?)(?: over| here)*", _give),
    (r"i(?:'d like| would like| want| need)(?: to have)? (?P<x>(?:the|a|an|my|that|this)\s.+)", _give),
    (r"can i have (?P<x>.+)", _give),
    (r"(?:pick|lift|take) (?P<x>(?:(?!\bup\b).)+) up", _pick),
    (r"(?:pick up|pick|lift up|lift|grab|grasp|take|get|collect|hold) (?!up$)(?P<x>.+)", _pick),
    (rf"describe(?: {_SCENE})?|look(?: around)?|look at {_SCENE}|show(?: me)? {_SCENE}", _always(DescribeScene())),
    (r"(?:find|list|show me|name) (?:everything|all (?:the )?(?:things|objects)"
     rf"|(?:the )?(?:things|objects)){_LYING}", _always(DescribeScene())),
    (r"what (?:do you|can you|you|you can) see(?: (?:there|here|now|in the (?:picture|image|scene)|on the table))?",
     _always(DescribeScene())),
    (r"what(?:'s| is| are) (?:(?:all )?(?:there|here|this)|(?:on|in) (?:the|this|that|your) "
     r"(?:table(?:top)?|scene|picture|image|view)|in front of you)", _always(DescribeScene())),
    (r"what (?:things|objects) (?:are|do you see|can you see)"
     r"(?: there| here)?(?: (?:on|in) the (?:table|scene|picture|image))?", _always(DescribeScene())),
    (r"describe (?P<x>.+)|what does (?P<y>.+) look like|tell me (?:more )?about (?P<z>.+)",
     lambda match, context: (DescribeThing(thing(match["x"] or match["y"] or match["z"], context)),)),
    (r"locate (?P<x>.+)", _each(Locate)),
    (r"where(?:'s|'re| is| are) (?P<x>.+?)(?: located| lying| standing| now)?", _each(Locate)),
    (r"where (?P<x>.+?) (?:is|are)", _each(Locate)),
    (r"how far(?: away| off)? (?:is|are) (?P<x>.+?)(?: away)?", _each(Locate)),
    (r"what(?:'s| is) the (?:position|location|place) of (?P<x>.+)", _each(Locate)),
    (rf"how many (?P<x>.+?)(?: (?:are|is|do you see|can you see))?{_LYING}|count (?P<y>.+)", _count),
    (rf"(?:is|are) there (?:anything|something){_LYING}", _always(DescribeScene())),
    (r"(?:is|are) there (?:anything|something)\b.*", _ask),
    (rf"(?:(?:is|are) there|there (?:is|are)|(?:do you |can you )?see) (?:any )?(?P<x>.+?){_LYING}", _each(Check)),
    (r"(?:check for|check) (?P<x>.+)", _each(Check)),
    (r"(?:is|are) (?P<x>.+?)(?: still)? (?:there|here|present|visible)", _each(Check)),
    (rf"(?:is|are) (?P<x>.+?) (?P<place>{_PLACED}) (?P<y>(?:the|a|an|my|your)\s.+?|it){_NOT_SO}", _check_place),
    (r"(?:find|look for|search for|show|point (?:at|to|out))(?: me)? (?P<x>.+)", _each(Find)),
    (r"(?:what|what's|which|who|whose|why|how|is|are|does|do|has|have)\b\s*\S.*", _ask),
)  # fmt: skip


_RULES = tuple((re.compile(pattern, re.I), maker) for pattern, maker in _TABLE)
