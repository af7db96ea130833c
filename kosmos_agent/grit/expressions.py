"""Step 6 of the recipe: a noun chunk grows to a referring expression, "a dog" to "a dog in a field of flowers"."""

from __future__ import annotations

from spacy.tokens import Doc, Token

from kosmos_agent.grit.chunks import Chunk
from kosmos_agent.grit.containment import Span

_LEFT_OUT_AT_THE_ENDS = ("PUNCT", "SPACE", "CCONJ", "SCONJ")
_MAY_STRAND = ("VERB", "AUX")


def expression_tokens(doc: Doc, chunk: Chunk) -> tuple[int, int]:
    """Tokens [first, last) of the chunk with all that hangs on its root, directly or through others.

    A root with conjuncts ("a cat and a dog") is not expanded: what hangs on it may belong to all of them. Of a subtree
    with gaps, the part around the chunk counts, because an expression is one span of the caption. It ends in no word
    that joins it to what is not in it ("a man in a hat and").
    """
    root = doc[chunk.root]
    if root.conjuncts:
        return chunk.first, chunk.last
    family = {token.i for token in root.subtree}
    first, last = chunk.first, chunk.last
    while first - 1 in family:
        first -= 1
    while last in family:
        last += 1
    while first < chunk.first and _left_out(doc[first]):
        first += 1
    while last > chunk.last and _left_out(doc[last - 1]):
        last -= 1
    return first, last


def characters(doc: Doc, tokens: tuple[int, int]) -> Span:
    """Of a run of tokens, without the space behind it."""
    span = doc[tokens[0] : tokens[1]]
    return span.start_char, span.end_char


def _left_out(token: Token) -> bool:
    """Signs, conjunctions and prepositions without their object; "up" in "a man looking up" is none of these."""
    if token.pos_ != "ADP" or token.dep_ == "prt":
        return token.pos_ in _LEFT_OUT_AT_THE_ENDS
    stranded = token.head.pos_ in _MAY_STRAND and not any(token.children)
    return not stranded  # "the chair that he sits on" keeps its last word
