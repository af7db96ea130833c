"""The command planner among real tools of LangChain with scripted answers: how it moves, and what it claims then."""

import pytest
from agent_talk import Talk
from langchain_kosmos.claims import Claim
from scripted_skills import (
    Script,
    failure,
    pick,
    place,
    presence,
    sighting,
)


def test_picks_and_places():
    talk = Talk(Script(pick_object=pick(), place_object=place())).say("pick up the red cup and put it in the blue bowl")
    assert talk.script.calls == [
        ("pick_object", {"phrase": "the red cup"}),
        ("place_object", {"phrase": "the blue bowl", "relation": "in"}),
    ]
    assert talk.outcome == "done"
    assert talk.statement.claims[0] == Claim(
        skill="pick_object", done=True, phrase="the red cup", target_id="t1", status="picked", confirmed="yes"
    )
    assert talk.text == "I picked up the red cup.\nI put the red cup in the blue bowl."


def test_what_could_not_be_confirmed_is_said_so():
    talk = Talk(Script(pick_object=pick(confirmed="cannot_tell"))).say("pick up the cup")
    assert talk.outcome == "done"
    assert "could not confirm" in talk.text
    assert talk.statement.claims[0].confirmed == "cannot_tell"


def test_a_pick_that_sight_contradicts_is_not_claimed():
    talk = Talk(Script(pick_object=pick(confirmed="no"), place_object=place())).say("put the cup on the plate")
    assert talk.script.names == ["pick_object"]
    assert talk.outcome == "failed"
    assert not talk.done


def test_a_place_that_sight_contradicts_is_not_claimed():
    script = Script(pick_object=pick(), place_object=place(confirmed="no"))
    talk = Talk(script).say("put the cup on the plate")
    assert (talk.outcome, talk.done) == ("failed", ["pick_object"])


@pytest.mark.parametrize("reason", ["nothing_held", "slipped", "blocked"])
def test_a_failed_grasp_is_tried_again_and_then_claimed_once(reason):
    talk = Talk(Script(pick_object=[pick("not_picked", reason), pick()])).say("pick up the cup")
    assert talk.script.names == ["pick_object"] * 2
    assert (talk.outcome, talk.done) == ("done", ["pick_object"])


@pytest.mark.parametrize(("reason", "tries"), [("nothing_held", 3), ("blocked", 3), ("cancelled", 1), ("timeout", 1)])
def test_it_gives_up_and_says_so(reason, tries):
    script = Script(pick_object=pick("not_picked", reason), place_object=place())
    talk = Talk(script).say("put the cup on the plate")
    assert script.names == ["pick_object"] * tries
    assert (talk.outcome, talk.done) == ("failed", [])
    assert "could not pick up the cup" in talk.text
    assert "did not go on" in talk.text


def test_a_failed_place_is_not_repeated():
    script = Script(pick_object=pick(), place_object=place("not_placed", "blocked"))
    assert Talk(script).say("put the cup on the plate").outcome == "failed"
    assert script.names == ["pick_object", "place_object"]


@pytest.mark.parametrize("code", ["stale_image", "timeout", "no_depth", "no_image"])
def test_errors_that_may_pass_are_met_once_more(code):
    talk = Talk(Script(pick_object=[failure(code), pick()])).say("pick up the cup")
    assert (talk.script.names, talk.outcome) == (["pick_object"] * 2, "done")
    talk = Talk(Script(find_object=failure(code))).say("find the cup")
    assert (talk.script.names, talk.outcome) == (["find_object"] * 2, "failed")
    assert code in talk.text


def test_a_place_that_ran_out_of_time_is_not_repeated():
    script = Script(pick_object=pick(), place_object=failure("timeout"))
    assert Talk(script).say("put the cup on the plate").outcome == "failed"
    assert script.names.count("place_object") == 1


@pytest.mark.parametrize("code", ["planning_failed", "busy", "no_arm", "cancelled", "invalid_argument"])
def test_other_errors_end_it(code):
    talk = Talk(Script(pick_object=failure(code, "too far away"))).say("pick up the cup")
    assert (talk.script.names, talk.outcome, talk.done) == (["pick_object"], "failed", [])
    assert "too far away" in talk.text


@pytest.mark.parametrize("status", ["moving", "lost"])
def test_a_thing_that_moves_is_looked_at_once_more(status):
    talk = Talk(Script(pick_object=[pick(status), pick()])).say("pick up the cup")
    assert (talk.script.names, talk.outcome) == (["pick_object"] * 2, "done")
    talk = Talk(Script(pick_object=pick(status))).say("pick up the cup")
    assert (talk.script.names, talk.outcome) == (["pick_object"] * 2, "failed")


@pytest.mark.parametrize(("status", "outcome"), [("not_found", "not_found"), ("cannot_tell", "failed")])
def test_what_is_not_seen_is_not_picked(status, outcome):
    talk = Talk(Script(pick_object=pick(status))).say("pick up the cup")
    assert (talk.outcome, talk.done) == (outcome, [])
    assert "did not move" in talk.text


def test_a_thing_found_in_the_same_command_is_picked_by_its_id():
    script = Script(find_object=sighting(), pick_object=pick())
    Talk(script).say("find the cup and pick it up")
    assert script.calls[1] == ("pick_object", {"target_id": "t1"})


def test_an_id_that_is_worth_nothing_gives_way_to_the_phrase():
    script = Script(find_object=sighting(), pick_object=[failure("unknown_target"), pick()])
    assert Talk(script).say("find the cup and pick it up").outcome == "done"
    assert script.calls[1:] == [("pick_object", {"target_id": "t1"}), ("pick_object", {"phrase": "the cup"})]


def test_what_is_held_already_is_not_picked_again():
    script = Script(pick_object=pick(), place_object=place())
    Talk(script).say("pick up the cup").say("put the cup on the plate")
    assert script.names == ["pick_object", "place_object"]


def test_nothing_is_picked_where_the_check_says_that_it_is_not_there():
    script = Script(check_presence=presence("absent"), pick_object=pick())
    talk = Talk(script).say("is there a red cup? if so, pick it up")
    assert (talk.outcome, script.names) == ("not_found", ["check_presence"])


def test_what_is_not_bound_is_refused_and_nothing_is_begun():
    talk = Talk(Script(find_object=sighting()), "find_object").say("find the cup and pick it up")
    assert (talk.outcome, talk.script.calls) == ("refused", [])
    assert "pick_object" in talk.text
    assert talk.say("find the cup").outcome == "answered"


def test_what_is_not_understood_lists_what_is():
    talk = Talk(Script()).say("sing a song")
    assert (talk.outcome, talk.script.calls) == ("not_understood", [])
    for kind in ("find", "look", "move"):
        assert f"- {kind}:" in talk.text
