"""Step 2 of the recipe: the noun chunks of a caption, without those that name nothing to be seen."""

from __future__ import annotations

from dataclasses import dataclass

from spacy.tokens import Doc, Span, Token

from kosmos_agent.grit.abstract_nouns import ABSTRACT_NOUNS


@dataclass(frozen=True)
class Chunk:
    """Tokens [first, last) of the parse, of which `root` is the noun that the others hang on."""

    first: int
    last: int
    root: int

    @classmethod
    def of(cls, span: Span) -> Chunk:
        return cls(span.start, span.end, span.root.i)

    def span(self, doc: Doc) -> Span:
        """The inverse of `of`."""
        return doc[self.first : self.last]


def noun_chunks(doc: Doc) -> list[Chunk]:
    """By place; they never overlap. "a dog in a field of flowers" has a dog, a field, flowers."""
    return [Chunk.of(span) for span in doc.noun_chunks]


def visible_chunks(doc: Doc) -> list[Chunk]:
    """Those whose root is a noun that is not abstract: no pronouns, no bare numbers, no "love"."""
    return [chunk for chunk in noun_chunks(doc) if is_visible(doc[chunk.root])]


def is_visible(root: Token) -> bool:
    """By the list alone: "time" is taken for abstract even where it stands on a clock."""
    return root.pos_ in ("NOUN", "PROPN") and not _names(root) & ABSTRACT_NOUNS


def _names(root: Token) -> set[str]:
    """As written and by its lemma, each also with what hyphens join to it: "close-ups" is looked up as closeup."""
    alone = {root.lower_, root.lemma_.lower()}
    return alone | {(_joined(root) + word).replace("-", "") for word in alone}


def _joined(token: Token) -> str:
    """What stands before the token without a space, where that ends in a hyphen; pipelines cut there."""
    doc, first = token.doc, token.i
    while first >= 2 and doc[first - 1].text == "-" and not (doc[first - 1].whitespace_ or doc[first - 2].whitespace_):
        first -= 2
    return "".join(part.lower_ for part in doc[first : token.i])
