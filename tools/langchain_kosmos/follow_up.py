"""What a person answers to a question of the planner, taken up where the question was asked."""

from __future__ import annotations

import re
from dataclasses import replace

from langchain_kosmos import replies
from langchain_kosmos.choices import ByPhrase, Neither, choose, read_choice
from langchain_kosmos.claims import Claim
from langchain_kosmos.course import Course, Question
from langchain_kosmos.destinations import leading
from langchain_kosmos.grammar import parse
from langchain_kosmos.plans import Ask, DescribeScene, Find, Help, Locate, Place, Plan, Step, Stop, thing_of
from langchain_kosmos.sentences import take_out_quotes, without_politeness
from langchain_kosmos.things import Context, Unclear, thing

_PUT_IT = re.compile(r"^(?:put|place|set|lay|drop)\s+(?:it|that|this)\s+(?:down\s+)?", re.I)
_ONE = re.compile(r"\bones?\b", re.I)


def take_up(course: Course, question: Question, reply: str) -> bool:
    """False where the reply answers nothing: then it is a command of its own, and the question is forgotten."""
    if question.result is None:
        return _put_there(course, question, reply)
    phrase = thing_of(question.steps[0]) or ""
    choice = read_choice(reply, phrase)
    if choice is None:
        return False
    if isinstance(choice, Neither):
        course.end("answered", "All right, I leave it.")
        return True
    if isinstance(choice, ByPhrase):
        if not _ONE.search(reply) and isinstance(parse(reply), Plan):
            return False
        course.follow(Plan(tuple(_renamed(step, phrase, choice.phrase) for step in question.steps)), question.claims)
        return True
    index = choose(choice, question.result.boxes)
    if index is None or index >= len(question.result.target_ids):
        course.ask(replace(question, words=f"I cannot tell which one that is. {question.words}"))
        return True
    _chosen(course, question, question.result.target_ids[index])
    return True


def _chosen(course: Course, question: Question, target_id: str) -> None:
    step, result = question.steps[0], question.result
    phrase = thing_of(step) or ""
    course.choose(phrase, target_id)
    steps, claims = question.steps, question.claims
    if isinstance(step, Find | Locate) and result is not None:
        course.report(replies.found(step, result, target_id))
        claims = (*claims, Claim(skill=result.tool, done=True, phrase=phrase, target_id=target_id, status="found"))
        steps = steps[1:]
        course.mention(phrase)
    course.follow(Plan(steps), claims)


def _put_there(course: Course, question: Question, reply: str) -> bool:
    marked, quotes = take_out_quotes(reply)
    at = leading(_PUT_IT.sub("", without_politeness(" ".join(marked.split()))))
    if at is None:
        return False
    try:
        phrase = thing(at[1], Context(last=course.memory.last, quotes=quotes))
    except Unclear:
        return False
    course.follow(Plan((Place(phrase, at[0]), *question.steps[1:])), question.claims)
    return True


def _renamed(step: Step, old: str, new: str) -> Step:
    if thing_of(step) != old or isinstance(step, DescribeScene | Ask | Help | Stop):
        return step
    return replace(step, phrase=new)
