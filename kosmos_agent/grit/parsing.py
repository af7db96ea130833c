"""Who parses the captions: spaCy's English pipeline, or anything else that gives a parsed `Doc`."""

from __future__ import annotations

from typing import Protocol

import spacy
from spacy.language import Language
from spacy.tokens import Doc

from kosmos_agent.errors import MissingDependencyError
from kosmos_agent.grit.errors import InvalidCaptionError

DEFAULT_PIPELINE = "en_core_web_sm"


class Parser(Protocol):
    """Gives a `Doc` whose text is the caption, with heads, dependency labels, parts of speech and lemmas.

    InvalidCaptionError for a caption that it cannot read.
    """

    def __call__(self, caption: str) -> Doc: ...


class SpacyParser:
    """A trained pipeline of spaCy, by name or folder. Which one the paper used is not published."""

    def __init__(self, pipeline: Language) -> None:
        """MissingDependencyError for a pipeline without a dependency parser and a tagger."""
        absent = [name for name in ("tagger", "parser") if name not in pipeline.pipe_names]
        if absent:
            raise MissingDependencyError(
                f"the spaCy pipeline {pipeline.meta.get('name')!r} has no {absent[0]}; valid: a trained English one "
                f"such as {DEFAULT_PIPELINE} (python -m spacy download {DEFAULT_PIPELINE})"
            )
        self._pipeline = pipeline

    @classmethod
    def load(cls, name: str = DEFAULT_PIPELINE) -> SpacyParser:
        """MissingDependencyError, with the line to type, where the pipeline is not installed."""
        try:
            return cls(spacy.load(name, exclude=["ner"]))
        except OSError as error:
            raise MissingDependencyError(
                f"the spaCy pipeline {name} is not installed; type: python -m spacy download {name}"
            ) from error

    def __call__(self, caption: str) -> Doc:
        return self._pipeline(caption)


def parse(parser: Parser, caption: str) -> Doc:
    """InvalidCaptionError also where the parse is of another text: its character offsets would be of no use."""
    doc = parser(caption)
    if doc.text != caption:
        raise InvalidCaptionError(f"the parser read {doc.text!r:.80} for {caption!r:.80}")
    if not doc.has_annotation("DEP"):
        raise InvalidCaptionError(f"the parser gave {caption!r:.80} no dependencies")
    return doc
