"""Step 7 of the recipe: a span that lies in another one goes ("flowers" in "a dog in a field of flowers").

The released files keep contained spans in `ref_exps`; there the training loader drops them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from kosmos_agent.grit.records import SpanBox

Span = tuple[int, int]


def outermost(spans: Iterable[Span]) -> list[Span]:
    """The distinct spans that no other contains, by start."""
    kept: list[Span] = []
    for span in sorted(set(spans), key=lambda item: (item[0], -item[1])):
        # Of the kept ones, which start no later, the last reaches farthest.
        if not kept or span[1] > kept[-1][1]:
            kept.append(span)
    return kept


def drop_contained(spans: Sequence[SpanBox]) -> tuple[SpanBox, ...]:
    """In the order given; all boxes of one span stay together."""
    kept = set(outermost(item.span for item in spans))
    return tuple(item for item in spans if item.span in kept)


def without_crossing(spans: Iterable[Span]) -> list[Span]:
    """By start, each beginning no earlier than the one before it ends: tags of others could not be nested."""
    kept: list[Span] = []
    for span in sorted(spans):
        if not kept or span[0] >= kept[-1][1]:
            kept.append(span)
    return kept
