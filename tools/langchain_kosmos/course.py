"""One turn of the command planner: from the words of a person, through what each tool said, to a last word.

A course is rebuilt from the messages whenever the model is asked, so that the model itself keeps nothing.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, field, replace
from typing import Any

from langchain_kosmos import replies
from langchain_kosmos.calls import MOTIONS, SKILLS, Call, absent_tools, call_for
from langchain_kosmos.claims import Claim, Outcome, Statement
from langchain_kosmos.grammar import parse
from langchain_kosmos.judging import Tries, Verdict, judge
from langchain_kosmos.plans import (
    Check,
    Help,
    NotUnderstood,
    Pick,
    Place,
    Plan,
    Step,
    Stop,
    thing_of,
)
from langchain_kosmos.tool_results import ToolResult

WHERE = "Where shall I put it? Say on, in, left of, right of, in front of, behind or next to what."


@dataclass(frozen=True)
class Question:
    """What a person was asked: which of the candidates in `result`, or, without one, where to put the thing.

    steps: what is left to do, that in question first. claims: of what was done before the question.
    """

    words: str
    steps: tuple[Step, ...]
    result: ToolResult | None
    claims: tuple[Claim, ...]


@dataclass(frozen=True)
class Memory:
    """What one turn leaves for the next. last, held: as `grammar.parse` takes them. chosen: phrase -> target id of
    what a person picked out in this turn."""

    last: str | None = None
    held: str | None = None
    chosen: dict[str, str] = field(default_factory=dict)


class Course:
    """question, memory: what the next turn needs. wanted: the call to make now; None once the turn is over."""

    def __init__(self, memory: Memory, bound: Set[str] = frozenset(SKILLS)) -> None:
        self.memory = replace(memory, chosen={})
        self.question: Question | None = None
        self.wanted: Call | None = None
        self._bound = bound
        self._ids = dict(memory.chosen)
        self._picked_out = set(memory.chosen)
        self._steps: list[Step] = []
        self._claims: list[Claim] = []
        self._said: list[str] = []
        self._calls = 0
        self._ended: Outcome | None = None
        self._broken: Outcome | None = None

    def begin(self, text: str) -> None:
        """Understands the words, or says that it does not."""
        answer = parse(text, last=self.memory.last, held=self.memory.held)
        if isinstance(answer, NotUnderstood):
            return self.end("not_understood", replies.not_understood(answer))
        return self.follow(answer)

    def follow(self, plan: Plan, claims: tuple[Claim, ...] = ()) -> None:
        """Does the plan, all of it or, where a tool is missing, nothing."""
        missing = absent_tools(plan, self._bound)
        if missing:
            return self.end("refused", replies.no_tool(missing, [name for name in SKILLS if name in self._bound]))
        self._steps, self._claims = list(plan.steps), list(claims)
        return self._advance()

    def choose(self, phrase: str, target_id: str) -> None:
        """From now on the phrase means the thing with this id."""
        self._ids[phrase] = target_id
        self._picked_out.add(phrase)
        self.memory.chosen[phrase] = target_id

    def mention(self, phrase: str) -> None:
        """What "it" stands for from now on."""
        self.memory = replace(self.memory, last=phrase)

    def report(self, words: str, claim: Claim | None = None) -> None:
        """Adds to the last word."""
        self._said += [words] if words else []
        if claim is not None:
            self._claims.append(claim)

    def ask(self, question: Question) -> None:
        """Ends the turn with a question."""
        self.question = question
        self.end("asked", question.words)

    def end(self, outcome: Outcome, words: str = "") -> None:
        """Nothing more is called."""
        self._ended, self._steps, self.wanted = outcome, [], None
        if words:
            self._said.append(words)

    def take(self, tool: str, arguments: dict[str, Any], result: ToolResult) -> None:
        """What a call brought. Any other tool than the one wanted ends the turn: the call was another model's."""
        if self.wanted is None:
            return None
        if tool != self.wanted.tool:
            return self.end("failed", f"The tool {tool} was called, and not by me; I do not go on.")
        step = self._steps[0]
        self._calls += 1
        by_id = "target_id" in arguments
        verdict = judge(step, result, Tries(self._calls, by_id), self.memory.held)
        match verdict.kind:
            case "again":
                return self._advance()
            case "anew" if thing_of(step) in self._picked_out:
                # Its phrase fits others too: they are not what the person chose.
                verdict = Verdict("failed", f"I lost sight of the one that you chose of {thing_of(step)}.")
            case "anew":
                self._ids.pop(thing_of(step) or "", None)
                return self._advance()
            case "look_closer" if result.target_ids:
                self._ids[thing_of(step) or ""] = result.target_ids[0]
                self._calls = 0
                return self._advance()
            case "ask":
                return self.ask(Question(verdict.words, tuple(self._steps), result, tuple(self._claims)))
        return self._finish(step, verdict, result, arguments)

    @property
    def text(self) -> str:
        return "\n".join(words[:1].upper() + words[1:] for words in self._said)

    @property
    def statement(self) -> Statement:
        """How the turn ended so far."""
        moved = any(claim.skill in MOTIONS for claim in self._claims)
        outcome = self._ended or self._broken or ("done" if moved else "answered")
        return Statement(outcome=outcome, claims=tuple(self._claims))

    def _finish(self, step: Step, verdict: Verdict, result: ToolResult, arguments: dict[str, Any]) -> None:
        answered = verdict.kind == "done" or (verdict.kind == "absent" and isinstance(step, Check))
        self.report(verdict.words, _claim(step, result, arguments, done=answered))
        self._remember(step, verdict, result)
        self._steps.pop(0)
        self._calls = 0
        self._broken = self._broken or self._break(step, verdict)
        if self._broken == "refused":
            return self.end("refused")
        return self._advance()

    def _break(self, step: Step, verdict: Verdict) -> Outcome | None:
        """What the outcome becomes where the step did not succeed."""
        moves_next = any(isinstance(later, Pick | Place) for later in self._steps)
        match verdict.kind:
            case "refused":
                return "refused"
            case "absent":
                return "not_found" if moves_next or not isinstance(step, Check) else None
            case "unsure":
                return "failed" if moves_next or isinstance(step, Pick | Place) else None
            case "failed" | "look_closer":
                return "failed"
        return None

    def _remember(self, step: Step, verdict: Verdict, result: ToolResult) -> None:
        phrase = thing_of(step)
        held = self.memory.held
        last = phrase if held is None or not isinstance(step, Place) else held
        if isinstance(step, Pick):
            held = step.phrase if verdict.kind == "done" else None
            self._ids.pop(step.phrase, None)
        elif isinstance(step, Place) and (verdict.kind == "done" or result.outcome.get("reason") == "slipped"):
            held = None
        elif phrase is not None and verdict.kind == "done" and result.answer.get("count") != "many":
            self._ids.update({phrase: result.target_ids[0]} if result.target_ids else {})
        self.memory = replace(self.memory, last=last or self.memory.last, held=held)

    def _advance(self) -> None:
        """To the next step that needs a tool."""
        while self._steps:
            step = self._steps[0]
            if self._broken is not None and isinstance(step, Pick | Place):
                self._skip_motions()
                continue
            target_id = self._ids.get(thing_of(step) or "")
            self.wanted = None if self._is_held(step) else call_for(step, target_id, self._bound)
            if self.wanted is not None:
                return
            self._without_tool(step)
        self.wanted = None

    def _skip_motions(self) -> None:
        self._steps = [step for step in self._steps if not isinstance(step, Pick | Place)]
        self._said.append("I did not go on with the rest.")

    def _is_held(self, step: Step) -> bool:
        return isinstance(step, Pick) and step.phrase == self.memory.held

    def _without_tool(self, step: Step) -> None:
        self._steps.pop(0)
        match step:
            case Help():
                self._said.append(replies.help_text())
            case Stop():
                self.end("answered", "All right. Nothing is going on.")
            case Pick(phrase):
                self._said.append(f"I hold {phrase} already.")
            case Place(None):
                self.ask(Question(WHERE, (step, *self._steps), None, tuple(self._claims)))


def _claim(step: Step, result: ToolResult, arguments: dict[str, Any], *, done: bool) -> Claim:
    """phrase: as it was asked for, or, where a person changed the call, as it was made."""
    motion = isinstance(step, Pick | Place)
    return Claim(
        skill=result.tool,
        done=done,
        phrase=arguments.get("phrase") or thing_of(step),
        target_id=arguments.get("target_id") or result.report.get("target_id"),
        relation=step.relation if isinstance(step, Place) else None,
        status=result.status or result.code or "",
        confirmed=result.confirmed if motion and result.code is None else None,  # type: ignore[arg-type]
    )
