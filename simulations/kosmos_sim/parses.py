"""A parser for the sentences that this simulation writes, and for no others (needs spaCy, but no trained model of it).

It knows the closed vocabulary of `words` and reads noun phrases, places ("left of the box") and lists by recursive
descent, with the labels that spaCy's English pipelines use. It is exact on that grammar and refuses everything else:
it lets the whole of GrIT run where no trained parser is at hand, and says nothing about how well one would do.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import spacy
from spacy.tokens import Doc

from kosmos_agent.grit.errors import InvalidCaptionError
from kosmos_sim.expressions.text import plural
from kosmos_sim.lexicon import CATEGORIES, COLOURS, NUMBERS

_SINGULAR = {plural(noun): noun for noun in (*CATEGORIES, "thing", "object", "image")}
_NOUNS = frozenset({*CATEGORIES, "thing", "object", "image"}) | frozenset(_SINGULAR)
_PLACES = frozenset({"left", "right", "middle", "front", "top"})
_ADJECTIVES = frozenset(
    {*COLOURS, "grey", "big", "large", "small", "little", "leftmost", "rightmost", "nearest", "closest", "farthest",
     "furthest", "biggest", "largest", "smallest", "first", "second", "third", "fourth", "middle"}
)  # fmt: skip
_ARTICLES = frozenset({"a", "an", "the"})
_ALL = frozenset({"all", "both"})
_PREPOSITIONS = frozenset({"behind", "beside", "from", "in", "inside", "of", "on", "to"})
_SUBJECTS = frozenset({"it", "this"})


class TabletopParser:
    """`grit.parsing.Parser` for captions and expressions of the table-tops."""

    def __init__(self) -> None:
        self._language = spacy.blank("en")

    def __call__(self, caption: str) -> Doc:
        """InvalidCaptionError, with the word, for anything outside of the grammar."""
        doc = self._language.make_doc(caption)
        words = [token.lower_ for token in doc]
        if not words:
            raise InvalidCaptionError("the caption holds no word")
        tree = _Reader(words).read()
        return Doc(
            doc.vocab,
            words=[token.text for token in doc],
            spaces=[bool(token.whitespace_) for token in doc],
            pos=tree.pos,
            deps=tree.deps,
            heads=tree.heads,
            lemmas=[_SINGULAR.get(word, word) for word in words],
            sent_starts=[*tree.sentence_starts],
        )


@dataclass
class _Tree:
    """One entry for each word. heads: index of the word that it hangs on; a root hangs on itself."""

    pos: list[str]
    deps: list[str]
    heads: list[int]
    sentence_starts: list[bool]

    @classmethod
    def blank(cls, count: int) -> _Tree:
        return cls(["X"] * count, ["dep"] * count, list(range(count)), [False] * count)

    def set(self, word: int, pos: str, dep: str, head: int) -> None:
        self.pos[word], self.deps[word], self.heads[word] = pos, dep, head


@dataclass
class _Reader:
    """Recursive descent over lower-case words; `at` is the next one."""

    words: list[str]
    at: int = 0
    tree: _Tree = field(init=False)

    def __post_init__(self) -> None:
        self.tree = _Tree.blank(len(self.words))

    def read(self) -> _Tree:
        while self.at < len(self.words):
            self.tree.sentence_starts[self.at] = True
            self._sentence()
        return self.tree

    def _sentence(self) -> None:
        """A list of noun phrases, or `It is a red cup.`"""
        pronoun = self._word() in _SUBJECTS
        root = self._mark("PRON", "ROOT", self.at) if pronoun else self._list("ROOT", self.at)
        self.tree.heads[root] = root
        if self._word() == "is":
            verb = self._mark("AUX", "ROOT", self.at)
            self.tree.deps[root], self.tree.heads[root] = "nsubj", verb
            self._complement(verb)
            root = verb
        if self._word() == ".":
            self._mark("PUNCT", "punct", root)

    def _complement(self, verb: int) -> None:
        """What stands behind `is`: a colour, a place or a noun phrase."""
        if self._word() in COLOURS or self._word() == "grey":
            self._mark("ADJ", "acomp", verb)
        elif not self._place_after(verb):
            self._noun_phrase("attr", verb)

    def _list(self, dep: str, head: int) -> int:
        """`a cup, two boxes and a plate`: each hangs on the one before it."""
        first = latest = self._noun_phrase(dep, head)
        while self._word() in (",", "and"):
            if self._word() == ",":
                self._mark("PUNCT", "punct", latest)
            if self._word() == "and":
                self._mark("CCONJ", "cc", latest)
            latest = self._noun_phrase("conj", latest)
        return first

    def _noun_phrase(self, dep: str, head: int) -> int:
        noun = self._noun()
        for place in range(self.at, noun):
            self._before_noun(place, noun)
        self.tree.set(noun, "NOUN", dep, head)
        self.at = noun + 1
        while self._place_after(noun):
            pass
        return noun

    def _noun(self) -> int:
        """Where the noun of the phrase that begins here stands."""
        place = self.at
        while self._known_before_noun(place):
            place += 1
        word = self.words[place] if place < len(self.words) else ""
        if word not in _NOUNS and word not in _PLACES:
            raise InvalidCaptionError(
                f"{word or 'the end'!r} where a noun was expected; valid: a caption of the simulation's own grammar"
            )
        return place

    def _known_before_noun(self, place: int) -> bool:
        if place >= len(self.words):
            return False
        word, following = self.words[place], self.words[place + 1] if place + 1 < len(self.words) else ""
        if word == "middle" and not (following in _NOUNS or following in _ADJECTIVES):
            return False  # `in the middle`
        return word in _ARTICLES or word in _ALL or word in NUMBERS or word in _ADJECTIVES

    def _before_noun(self, place: int, noun: int) -> None:
        word = self.words[place]
        if word in _ALL:
            dep = "predet" if self.words[place + 1] in _ARTICLES else "det"
            self.tree.set(place, "DET", dep, noun)
        elif word in _ARTICLES:
            self.tree.set(place, "DET", "det", noun)
        elif word in NUMBERS:
            self.tree.set(place, "NUM", "nummod", noun)
        else:
            self.tree.set(place, "ADJ", "amod", noun)

    def _place_after(self, noun: int) -> bool:
        """One thing that is said behind a noun: `left of the box`, `on top of it`, `that is red`."""
        word = self._word()
        if word == "that":
            self._relative_clause(noun)
        elif word in ("left", "right", "next"):
            self._adverb(noun)
        elif word in ("nearest", "closest"):
            self._nearest(noun)
        elif word in _PREPOSITIONS:
            self._preposition(noun)
        else:
            return False
        return True

    def _relative_clause(self, noun: int) -> None:
        that = self._mark("PRON", "nsubj", self.at)
        verb = self._mark("AUX", "relcl", noun, "is")
        self.tree.heads[that] = verb
        self._complement(verb)

    def _adverb(self, head: int) -> None:
        """`left of`, `next to`."""
        adverb = self._mark("ADV", "advmod", head)
        self._preposition(adverb)

    def _nearest(self, head: int) -> None:
        """`nearest to the box`, `nearest the box`."""
        if self._word(1) == "to":
            self._preposition(self._mark("ADJ", "amod", head))
        else:
            self._noun_phrase("pobj", self._mark("ADP", "prep", head))

    def _preposition(self, head: int) -> None:
        if self._word() not in _PREPOSITIONS:
            raise InvalidCaptionError(f"{self._word() or 'the end'!r} where a preposition was expected")
        of_a_picture = self._word() == "of" and self.words[head] == "image"
        preposition = self._mark("ADP", "prep", head)
        if of_a_picture:
            self._list("pobj", preposition)
        else:
            self._noun_phrase("pobj", preposition)

    def _mark(self, pos: str, dep: str, head: int, expected: str | None = None) -> int:
        """Takes the next word; InvalidCaptionError where it is not the expected one."""
        place = self.at
        if expected is not None and self._word() != expected:
            raise InvalidCaptionError(f"{self._word() or 'the end'!r} where {expected!r} was expected")
        self.tree.set(place, pos, dep, head)
        self.at += 1
        return place

    def _word(self, ahead: int = 0) -> str:
        place = self.at + ahead
        return self.words[place] if place < len(self.words) else ""
