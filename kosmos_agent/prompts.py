"""The published prompts, as tagged text to put behind the image (pure).

Every argument that a user may write is escaped and bounded (`markup.escape_user_text`). Sources: the model card,
arXiv 2306.14824 sections 4.1 to 4.3, table 9, figures 5, 11 and 12, and the authors' evaluation scripts.
"""

from __future__ import annotations

from collections.abc import Sequence

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.markup import escape_user_text, object_tags, to_tagged
from kosmos_agent.results import Box, GroundedText
from kosmos_agent.tokens import GROUNDING

BRIEF_CAPTION = f"{GROUNDING} An image of"
DETAILED_CAPTION = f"{GROUNDING} Describe this image in detail:"
PLAIN_CAPTION = "An image of"
"""Without boxes; for scoring captions, with beam search of 5."""

MAX_TEXT_CHARACTERS = 2048
"""Bound on running text: captions, descriptions, dialogues."""

EXPRESSION_TEMPLATES = (
    ("What is", "it", "? It is {}."),
    ("What is", "this", "? This is {}."),
    ("Describe", "this object", ". This object is {}."),
    ("", "It", " is {}."),
    ("", "This", " is {}."),
    ("", "The object", " is {}."),
)
"""Instruction data for expression generation: words before, linked phrase, words after with the expression."""


def phrase(words: str) -> str:
    """`<phrase> words</phrase>`, escaped."""
    return f"<phrase> {escape_user_text(words)}</phrase>"


def phrase_grounding(words: str) -> str:
    """Where is this phrase or expression? Also the prompt of referring expression comprehension."""
    return f"{GROUNDING}{phrase(words)}"


def reworded_phrase_grounding(words: str) -> str:
    """`phrase_grounding` for a user's phrase as its mirror image or its plural has it, which may be a little longer."""
    return f"{GROUNDING}<phrase> {escape_user_text(words, MAX_TEXT_CHARACTERS)}</phrase>"


def phrase_in_caption(before: str, words: str) -> str:
    """Where is the phrase that follows the words `before` of a caption? One call per phrase (Flickr30k Entities)."""
    return f"{GROUNDING}{_running(before)}{phrase(words)}"


def expression_generation(box: Box, subject: str = "It") -> str:
    """What is in this box?"""
    return f"{GROUNDING}{phrase(subject)}{object_tags([box])} is"


def few_shot_expression_generation(examples: Sequence[tuple[Box, str]], box: Box) -> tuple[str, ...]:
    """One text per picture, the pictures of `examples` first, for an interleaved row (figure 5)."""
    shots = [f"{phrase('It')}{object_tags([shown])} is {escape_user_text(words)}" for shown, words in examples]
    return (*shots, f"{phrase('It')}{object_tags([box])} is")


def grounded_question(question: str) -> str:
    """A question whose answer links to boxes."""
    return f"{GROUNDING} {plain_question(question)}"


def plain_question(question: str) -> str:
    """A question without boxes; for scoring answers."""
    return f"Question: {escape_user_text(question)} Answer:"


def region_question(question: GroundedText) -> str:
    """A question that points: its entities become phrases with boxes (`markup.from_markdown` reads one)."""
    escape_user_text(question.text)
    return f"{GROUNDING} Question: {to_tagged(question).strip()} Answer:"


def forced_answer(question: str, subject: str) -> str:
    """A question with the grounded beginning of its answer: the box of `subject` comes next (figure 12)."""
    return f"{plain_question(question)} <phrase>{escape_user_text(subject)}</phrase>"


def multiple_choice(question: str, choices: Sequence[str]) -> tuple[str, ...]:
    """One text per choice; the likeliest mean token behind "Answer:" wins (SEED-Bench)."""
    if not choices:
        raise InvalidArgumentError("multiple choice needs at least one choice")
    return tuple(f"{plain_question(question)} {escape_user_text(choice)}" for choice in choices)


def detection_by_description(description: str, words: str) -> str:
    """What a thing looks like, then its name (figure 11)."""
    return f"{_running(description).strip()} <phrase>{escape_user_text(words)}</phrase>"


def detection_by_example(words: str) -> tuple[str, str]:
    """Texts for two pictures: the first shows the thing, the second is searched (figure 11)."""
    return f"This is {escape_user_text(words)}", f"<phrase>{escape_user_text(words)}</phrase>"


def dialogue(turns: Sequence[tuple[GroundedText, str | None]]) -> str:
    """Questions with their answers; the last answer is None and is what the model writes (figure 10).

    The exact strings of the paper's dialogues are not published.
    """
    if not turns or turns[-1][1] is not None or any(answer is None for _, answer in turns[:-1]):
        raise InvalidArgumentError("a dialogue needs an answer for every turn but the last")
    parts = []
    for question, answer in turns:
        escape_user_text(question.text)
        parts.append(f"Question: {to_tagged(question).strip()} Answer:{_running(answer or '')}")
    return f"{GROUNDING} {' '.join(parts)}"


def expression_instruction(template: int, box: Box, expression: str) -> str:
    """Training text number `template` (0 to 5) that ties a box to its expression."""
    if not 0 <= template < len(EXPRESSION_TEMPLATES):
        raise InvalidArgumentError(f"no template {template}; valid: 0 to {len(EXPRESSION_TEMPLATES) - 1}")
    before, subject, after = EXPRESSION_TEMPLATES[template]
    return f"{before}{phrase(subject)}{object_tags([box])}{after.format(escape_user_text(expression))}"


def _running(text: str) -> str:
    """Running text with a space in front, or nothing."""
    if not text.strip():
        return ""
    return f" {escape_user_text(text, MAX_TEXT_CHARACTERS)}"
