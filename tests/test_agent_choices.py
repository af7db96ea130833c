"""Two things fit: the command planner asks which, and takes the one that is said."""

from agent_talk import Talk
from scripted_skills import (
    LEFT,
    RIGHT,
    Script,
    description,
    pick,
    place,
    sighting,
)


def test_it_asks_which_one_and_takes_the_one_that_is_said():
    both = [LEFT, RIGHT]
    for reply, target in (("the left one", "t1"), ("the right one", "t2"), ("number 2", "t2"), ("the first", "t1")):
        talk = Talk(Script(pick_object=[pick("ambiguous", boxes=both), pick()], place_object=place()))
        talk.say("put the cup in the bowl")
        assert (talk.outcome, talk.text) == ("asked", 'Which one is "the cup": the left one or the right one?')
        assert talk.script.names == ["pick_object"]
        talk.say(reply)
        assert talk.script.calls[1:] == [
            ("pick_object", {"target_id": target}),
            ("place_object", {"phrase": "the bowl", "relation": "in"}),
        ]
        assert (talk.outcome, talk.done) == ("done", ["pick_object", "place_object"])


def test_a_reply_that_describes_the_thing_names_it_anew():
    talk = Talk(Script(pick_object=[pick("ambiguous", boxes=[LEFT, RIGHT]), pick()])).say("pick up the cup")
    talk.say("the red one")
    assert talk.script.calls[1] == ("pick_object", {"phrase": "the red cup"})
    assert talk.statement.claims[0].phrase == "the red cup"


def test_a_reply_that_picks_none_is_asked_again_and_neither_ends_it():
    talk = Talk(Script(pick_object=pick("ambiguous", boxes=[LEFT, RIGHT]))).say("pick up the cup").say("number 7")
    assert talk.outcome == "asked"
    assert talk.say("neither").outcome == "answered"
    assert talk.script.names == ["pick_object"]


def test_another_command_instead_of_a_reply_is_followed():
    script = Script(pick_object=pick("ambiguous", boxes=[LEFT, RIGHT]), describe_scene=description("a cup"))
    talk = Talk(script).say("pick up the cup").say("what is on the table?")
    assert (talk.outcome, script.names) == ("answered", ["pick_object", "describe_scene"])


def test_the_chosen_one_is_not_replaced_by_another_when_it_is_lost():
    script = Script(pick_object=[pick("ambiguous", boxes=[LEFT, RIGHT]), pick("lost"), pick()])
    talk = Talk(script).say("pick up the cup").say("the left one")
    assert (talk.outcome, script.names) == ("failed", ["pick_object"] * 2)


def test_where_to_put_it_may_be_ambiguous_too():
    script = Script(pick_object=pick(), place_object=[place("ambiguous", boxes=[LEFT, RIGHT]), place()])
    talk = Talk(script).say("put the cup on the plate")
    assert (talk.outcome, talk.done) == ("asked", ["pick_object"])
    talk.say("the right one")
    assert script.calls[2:] == [("place_object", {"target_id": "t6", "relation": "on"})]
    assert (talk.outcome, talk.done) == ("done", ["pick_object", "place_object"])


def test_it_is_what_was_chosen_and_what_is_held():
    script = Script(find_object=sighting("ambiguous", [LEFT, RIGHT]), pick_object=pick(), place_object=place())
    talk = Talk(script).say("find the cup").say("the right one")
    assert "(0.70, 0.40)" in talk.text
    talk.say("pick it up")
    assert script.calls[-1] == ("pick_object", {"target_id": "t2"})
    talk.say("put it down")
    assert talk.outcome == "asked"
    talk.say("left of the plate")
    assert script.calls[-1] == ("place_object", {"phrase": "the plate", "relation": "left of"})
    assert talk.outcome == "done"
