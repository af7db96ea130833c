"""The suite of seeded tasks: they are fair, they repeat, and the judge believes nobody."""

from dataclasses import replace

import numpy as np
import pytest
from kosmos_sim.lexicon import lookalikes
from kosmos_sim.splits import TRAIN_SEED_FIRST
from kosmos_sim.tasks import KINDS, Claim, Person, play, summary, tasks
from kosmos_sim.tasks.judging import Result, expected, judged
from kosmos_sim.tasks.places import eye_m, gap_m, holds, room_on_side, towards
from kosmos_sim.tasks.scene_objects import scene_objects
from kosmos_sim.tasks.staging import Watched, set_down
from kosmos_sim.tasks.suite import FIRST_SEED, MIXTURE, MOST, SEEDS_EACH, kind_of, task
from kosmos_sim.tasks.true_eyes import TrueEyes
from scripted_agent import ScriptedAgent, read

from kosmos_agent.cli._picks import FIRST_ABSENT_SEED
from kosmos_agent.errors import InvalidArgumentError, KosmosAgentError, NoImageError
from kosmos_agent.skills import Skills
from kosmos_agent.skills.room import SIDES

FIRST_OF = {kind: MIXTURE.index(kind) for kind in KINDS}
ONTO, BESIDE = 11, 1


@pytest.fixture(scope="module")
def drafted():
    """One task of each kind, and one that puts a thing on or in another."""
    return {kind: task(index) for kind, index in FIRST_OF.items()} | {"onto": task(ONTO)}


def lifted(world, name):
    """Hangs a thing in the air, as a hand would; nothing moves on from there until the world is stepped."""
    joint = world.model.body(name).jntadr[0]
    world.data.qpos[world.model.jnt_qposadr[joint] + 2] += 0.2
    set_down(world, name, tuple(world.judge.truth(name).middle_m[:2]))


def put(world, name, x, y, z=0.0):
    """Its underside at z."""
    truth = world.judge.truth(name)
    joint = world.model.body(name).jntadr[0]
    world.data.qpos[world.model.jnt_qposadr[joint] + 2] += z - truth.low_m[2]
    set_down(world, name, (x, y))


def end(given, claim, do=lambda world: None, person=None, lifted_before=()):
    """What the judge says of a table on which `do` was done."""
    with given.lay() as world:
        do(world)
        watched = Watched(world.planner, world)
        watched.lifted.update(lifted_before)
        return judged(given, world, Claim(claim), watched, person or Person())


def test_the_mixture_is_fixed_and_holds_every_kind():
    assert set(MIXTURE) == set(KINDS)
    counts = {kind: sum(kind_of(index) == kind for index in range(100)) for kind in KINDS}
    assert counts == {
        "pick": 20, "relation": 15, "place": 20, "absent": 15, "ambiguous": 10, "wrong_grasp": 10, "moved": 10,
    }  # fmt: skip
    assert FIRST_ABSENT_SEED < FIRST_SEED
    assert FIRST_SEED + MOST * SEEDS_EACH <= TRAIN_SEED_FIRST


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"kinds": ("juggle",)}, "valid: pick"),
        ({"kinds": ()}, "valid"),
        ({"first": MOST}, "tasks 0 to"),
        ({"first": -1}, "0"),
    ],
)
def test_what_is_not_in_the_suite_is_refused(options, words):
    with pytest.raises(InvalidArgumentError, match=words):
        tasks(1, **options)


def test_the_same_number_is_the_same_task(drafted):
    again = {kind: task(index) for kind, index in FIRST_OF.items()}
    assert again == {kind: drafted[kind] for kind in KINDS}
    assert next(tasks(1, first=3, kinds=("moved",))) == drafted["moved"]
    assert [given.index for given in tasks(2, kinds=("absent",))] == [2, 9]


def test_each_command_fits_its_table(drafted):
    for given in drafted.values():
        thing, where, anchor = read(given.command)
        assert (thing, where, anchor) == (given.phrase, given.relation, given.anchor_phrase)
        with given.lay() as world:
            named = {item.name: f"the {item.colour} {item.category}" for item in world.items}
            shown = scene_objects(world)
        assert given.wanted is None or given.wanted in shown
        assert given.anchor is None or named[given.anchor] == anchor
        if given.kind in ("pick", "place", "wrong_grasp", "moved"):
            assert [name for name, words in named.items() if words == thing] == [given.wanted]


def test_what_is_absent_resembles_nothing_there(drafted):
    _, colour, category = read(drafted["absent"].command)[0].split()
    with drafted["absent"].lay() as world:
        assert not [i for i in world.items if i.colour == colour and i.category in lookalikes(category)]


def test_an_ambiguous_command_fits_two_and_the_reply_one(drafted):
    given = next(given for given in tasks(2, kinds=("ambiguous",)) if given.reply)
    with given.lay() as world:
        things = scene_objects(world)
    middles = {name: np.mean(things[name].box[::2]) for name in given.candidates}
    assert len(middles) == 2
    pick = min if given.reply == "the left one" else max
    assert pick(middles, key=middles.get) == given.wanted
    assert {things[name].category for name in middles} == {read(given.command)[0].split()[-1]}


def test_sides_are_those_of_the_picture(drafted):
    with drafted["pick"].lay() as world:
        seen = world.observe("front", 640, 480, depth_noise=False)
        anchor = world.judge.truth(world.target.name).middle_m
        eye = eye_m(world)

        def column_row(offset):
            point = np.linalg.inv(seen.T_base_camera) @ [*(anchor[:2] + offset), anchor[2], 1.0]
            u, v, w = seen.intrinsics @ point[:3]
            return u / w, v / w

        here = column_row(np.zeros(2))
        assert column_row(0.05 * towards("left of", anchor, eye))[0] < here[0] - 10
        assert column_row(0.05 * towards("right of", anchor, eye))[0] > here[0] + 10
        assert column_row(0.05 * towards("behind", anchor, eye))[1] < here[1] - 3
        assert column_row(0.05 * towards("in front of", anchor, eye))[1] > here[1] + 3


@pytest.mark.parametrize("side", [side for side in SIDES if side != "next to"])
def test_a_place_beside_is_told_from_all_others(drafted, side):
    given = drafted["place"]
    with given.lay() as world:
        eye, anchor = eye_m(world), world.judge.truth(given.anchor)
        reach = (max(anchor.extent_m) + max(world.judge.truth(given.wanted).extent_m)) / 2
        direction = towards(side, anchor.middle_m, eye)

        def relations(free, z=0.0):
            put(world, given.wanted, *(anchor.middle_m[:2] + direction * (reach + free)), z)
            subject = world.judge.truth(given.wanted)
            return {name for name in (*SIDES, "on", "in") if holds(name, subject, anchor, eye)}

        assert relations(0.04) == {side, "next to"}
        assert gap_m(world.judge.truth(given.wanted), anchor) >= 0.04 - 1e-6
        assert relations(0.5) == set()
        assert relations(0.04, z=0.1) == set(), "in the air"


def test_on_and_in_need_the_thing_to_rest_there(drafted):
    given = drafted["onto"]
    with given.lay() as world:
        eye, anchor = eye_m(world), world.judge.truth(given.anchor)
        middle = anchor.middle_m[:2]
        heights = {"on": anchor.high_m[2], "in": anchor.low_m[2] + 0.01, None: anchor.high_m[2] + 0.1}
        for right, z in heights.items():
            put(world, given.wanted, *middle, z)
            subject = world.judge.truth(given.wanted)
            assert {name for name in ("on", "in") if holds(name, subject, anchor, eye)} <= {right, "in"}
            assert right is None or holds(right, subject, anchor, eye)
        put(world, given.wanted, *(middle + 0.2), 0.0)
        assert not holds("on", world.judge.truth(given.wanted), anchor, eye)


def test_the_judge_says_yes_and_no_of_a_pick(drafted):
    for kind in ("pick", "relation", "wrong_grasp", "moved"):
        given = drafted[kind]
        good = end(given, "done", lambda world, given=given: lifted(world, given.wanted))
        assert (good.success, good.reached, good.false_claim, good.reason) == (True, True, False, "")
        lie = end(given, "done")
        assert (lie.success, lie.reached, lie.false_claim) == (False, False, True)
        other = "item1" if given.wanted == "item0" else "item0"
        wrong = end(given, "done", lambda world, other=other: lifted(world, other))
        assert (wrong.success, wrong.false_claim, wrong.wrong_objects) == (False, True, (other,))
        modest = end(given, "failed", lambda world, given=given: lifted(world, given.wanted))
        assert (modest.success, modest.reached, modest.false_claim) == (False, True, False)
        assert "claims failed, right would be done" in modest.reason


def test_a_wrong_thing_that_was_put_back_is_not_forgotten(drafted):
    given = drafted["pick"]
    result = end(given, "done", lambda world: lifted(world, given.wanted), lifted_before=("item1",))
    assert result.reached
    assert not result.success
    assert result.wrong_objects == ("item1",)


def test_the_judge_says_yes_and_no_of_a_place(drafted):
    given = drafted["place"]

    def placed(world, side):
        anchor = world.judge.truth(given.anchor)
        reach = (max(anchor.extent_m) + max(world.judge.truth(given.wanted).extent_m)) / 2 + 0.04
        put(world, given.wanted, *(anchor.middle_m[:2] + reach * towards(side, anchor.middle_m, eye_m(world))))

    opposite = {"left of": "right of", "right of": "left of", "behind": "in front of", "in front of": "behind"}
    assert end(given, "done", lambda world: placed(world, given.relation)).success
    assert end(given, "done", lambda world: placed(world, opposite[given.relation])).false_claim
    assert end(given, "done", lambda world: lifted(world, given.wanted)).false_claim, "held is not placed"


def test_the_judge_says_yes_and_no_of_what_is_absent(drafted):
    given = drafted["absent"]
    assert end(given, "not_found").success
    assert not end(given, "failed").success
    assert end(given, "done").false_claim
    taken = end(given, "not_found", lambda world: lifted(world, "item0"))
    assert (taken.success, taken.wrong_objects) == (False, ("item0",))


def test_whoever_must_ask_is_not_believed_without_asking(drafted):
    silent = replace(drafted["ambiguous"], wanted=None, reply=None)
    answered = replace(drafted["ambiguous"], wanted="item0", reply="the left one")
    first, second = silent.candidates
    asker = Person("the left one")
    asker("which one?")
    assert end(silent, "asked").success
    guess = end(silent, "done", lambda world: lifted(world, first))
    assert (guess.success, guess.guessed, guess.false_claim) == (False, True, False)
    assert end(silent, "done").false_claim
    assert end(answered, "done", lambda world: lifted(world, first), person=asker).success
    lucky = end(answered, "done", lambda world: lifted(world, first))
    assert (lucky.success, lucky.guessed) == (False, True)
    misheard = end(answered, "done", lambda world: lifted(world, second), person=asker)
    assert (misheard.success, misheard.false_claim) == (False, True)


def test_a_person_answers_once():
    person = Person("the left one")
    assert [person("which?"), person("sure?")] == ["the left one", None]
    assert person.asked == ["which?", "sure?"]


def true_skills(stage):
    """So that what is played does not hang on the weights of the day."""
    return Skills(stage.camera, TrueEyes(stage.world, stage.task), stage.planner)


@pytest.mark.parametrize("kind", ["place", "ambiguous", "wrong_grasp", "moved"])
def test_an_agent_with_perfect_eyes_succeeds(drafted, kind):
    result = play(drafted[kind], ScriptedAgent(), true_skills)
    assert result.success, result
    assert result.motions == {"place": 2, "ambiguous": 1, "wrong_grasp": 2, "moved": 2}[kind]
    assert result.tool_calls == {"place": 2, "ambiguous": 2, "wrong_grasp": 2, "moved": 2}[kind]


def test_an_agent_that_lies_is_caught(drafted):
    def liar(command, skills, person):
        return Claim("done", ("pick_object",), "Done!")

    for kind in ("pick", "absent", "ambiguous"):
        result = play(drafted[kind], liar, true_skills)
        assert (result.success, result.false_claim) == (False, True)


def test_an_agent_that_gives_up_at_the_first_miss_fails_honestly(drafted):
    def timid(command, skills, person):
        status = skills.pick_object(phrase=read(command)[0]).status
        return Claim("done" if status == "picked" else "failed", ("pick_object",))

    result = play(drafted["wrong_grasp"], timid, true_skills)
    assert (result.success, result.false_claim, result.motions) == (False, False, 1)


def test_a_coded_error_ends_the_task_and_a_fault_passes_on(drafted):
    def blind(command, skills, person):
        raise NoImageError("the lens cap is on")

    result = play(drafted["pick"], blind, true_skills)
    assert result.claim == "failed"
    assert "no_image: the lens cap is on" in result.reason

    def broken(command, skills, person):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        play(drafted["pick"], broken, true_skills)


def test_the_scores_add_up():
    good = Result(0, "pick", 1, "pick up the cup", "done", True, True, (), (), False, False, 1, 1)
    lie = replace(good, index=1, success=False, reached=False, false_claim=True, tool_calls=4, reason="why")
    wrong = replace(good, kind="place", index=2, success=False, wrong_objects=("item3",), tool_calls=4)
    report = summary([good, lie, wrong])
    assert (report["tasks"], report["succeeded"], report["false_claims"]) == (3, 1, 1)
    assert report["success"] == pytest.approx(1 / 3)
    assert report["wrong_object_rate"] == pytest.approx(1 / 3)
    assert report["tool_calls"] == {"mean": 3.0, "max": 4}
    assert report["by_kind"]["pick"]["success"] == 0.5
    assert [failed["index"] for failed in report["failed"]] == [1, 2]
    with pytest.raises(KosmosAgentError, match="at least one"):
        summary([])


def test_right_claims_follow_from_the_task(drafted):
    rights = {kind: expected(drafted[kind]) for kind in KINDS}
    assert rights["absent"] == "not_found"
    assert {rights[kind] for kind in ("pick", "relation", "place", "wrong_grasp", "moved")} == {"done"}
    assert expected(replace(drafted["ambiguous"], wanted=None)) == "asked"


def test_room_is_only_where_nothing_stands(drafted):
    given = drafted["place"]
    with given.lay() as world:
        eye, anchor = eye_m(world), world.judge.truth(given.anchor)
        assert room_on_side(world, given.wanted, given.anchor, given.relation, eye)
        other = next(item.name for item in world.items if item.name not in (given.wanted, given.anchor))
        direction = towards(given.relation, anchor.middle_m, eye)
        put(world, other, *(anchor.middle_m[:2] + direction * (max(anchor.extent_m) / 2 + 0.06)))
        assert not room_on_side(world, given.wanted, given.anchor, given.relation, eye)
