from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest
from expression_reader import PLACES, _holds, _members, read
from kosmos_sim.expressions.geometry import is_eligible, measure
from kosmos_sim.lexicon import COLOURS, NUMBERS, Lexicon
from kosmos_sim.questions import question
from kosmos_sim.records import SceneRecord
from synthetic_scenes import synthetic_record

from kosmos_agent.training.examples import Task

RECORDS = [synthetic_record(41, index, things=2 + index % 10, side=112, map_side=56) for index in range(30)]


def asked() -> list[tuple[SceneRecord, Task]]:
    tasks = []
    for record in RECORDS:
        scene = measure(record.objects, record.T_table_camera)
        tasks += [(record, question(scene, Random(40 * record.index + seed), Lexicon())) for seed in range(40)]
    return [(record, task) for record, task in tasks if task is not None]


def exchanges(pattern: str) -> list[tuple[SceneRecord, re.Match[str], str]]:
    found = []
    for record, task in asked():
        match = re.fullmatch(rf" Question: {pattern} Answer:", task.pieces[0].text.replace("grey", "gray"))
        if match:
            found.append((record, match, task.pieces[1].text.strip().replace("grey", "gray")))
    assert len(found) > 30
    return found


def test_the_question_is_given_and_the_answer_is_not() -> None:
    for _, task in asked():
        prompt, answer = task.pieces
        assert (task.kind, task.grounded, prompt.given, answer.given) == ("question", False, "text", "nothing")
        assert prompt.boxes is None
        assert answer.boxes is None
        assert answer.text.startswith(" ")


def test_counts() -> None:
    answers = Counter()
    for record, match, answer in exchanges(r"How many (.+) are there\?"):
        members = _members(match[1], record)
        assert answer == NUMBERS[len(members)]
        assert all(map(is_eligible, members))
        answers[answer] += 1
    assert answers["zero"] > 0.05 * answers.total()
    assert answers["one"] < 0.5 * answers.total()


def test_colours() -> None:
    for record, match, answer in exchanges(r"What colou?r is the (\w+)\?"):
        (thing,) = _members(match[1], record)
        assert answer == thing.colour
        assert answer in COLOURS


def test_presence_is_balanced_and_true() -> None:
    found = exchanges(r"Is there an? (.+)\?")
    for record, match, answer in found:
        assert (answer == "yes") == bool(_members(match[1], record))
    yes = sum(answer == "yes" for _, _, answer in found) / len(found)
    assert 0.4 < yes < 0.6


def test_places_have_one_possible_answer() -> None:
    for record, match, answer in exchanges(r"What is (.+?) the ((?:\w+ )?\w+)\?"):
        if match[1] in ("color", "colour"):
            continue
        place = next(name for pattern, name in PLACES.items() if re.fullmatch(pattern, match[1]))
        (anchor,) = _members(match[2], record)
        others = [thing for thing in record.objects if thing is not anchor]
        possible = [thing for thing in others if _holds(place, thing, anchor, record)[1]]
        (thing,) = possible
        assert _holds(place, thing, anchor, record)[0]
        assert thing.instance in read(answer, record)[0]
        assert is_eligible(thing)


def test_an_empty_table_only_answers_no_and_zero() -> None:
    tasks = [question(measure(()), Random(seed), Lexicon()) for seed in range(60)]
    answers = {task.pieces[1].text for task in tasks if task is not None}
    assert answers == {" no", " zero"}


@pytest.mark.parametrize("seed", range(3))
def test_same_seed_same_question(seed: int) -> None:
    scene = measure(RECORDS[5].objects, RECORDS[5].T_table_camera)
    assert question(scene, Random(seed), Lexicon()) == question(scene, Random(seed), Lexicon())
