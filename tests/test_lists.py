"""A listing caption put right: what is no list stays, nothing is told twice, spans fit their words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kosmos_agent.inference.lists import is_list, rewritten, single_boxes
from kosmos_agent.results import Box, Entity, GroundedText


def box(place, size=0.08):
    return Box(x1=place, y1=0.1, x2=place + size, y2=0.3)


def listed(*mentions, lead="an image of ", end="."):
    """A caption of mentions, each words and boxes."""
    text, entities = lead, []
    for place, (words, boxes) in enumerate(mentions):
        if place:
            text += " and " if place == len(mentions) - 1 else ", "
        entities.append(Entity(text=words, start=len(text), end=len(text) + len(words), boxes=tuple(boxes)))
        text += words
    return GroundedText(text=text + end, entities=tuple(entities))


CAPTION = listed(("a red cup", [box(0.1)]), ("two forks", [box(0.3), box(0.5)]), ("a plate", [box(0.7)]))


@pytest.mark.parametrize("joint", [", ", " and ", ", and "])
def test_commas_and_and_make_a_list(joint):
    text = f"an image of a cup{joint}a plate."
    start = text.index("a plate")
    entities = (
        Entity(text="a cup", start=12, end=17, boxes=(box(0.1),)),
        Entity(text="a plate", start=start, end=start + 7, boxes=(box(0.5),)),
    )
    assert is_list(GroundedText(text=text, entities=entities))
    longer = GroundedText(text=text.replace(joint, " on the left of "), entities=entities)
    moved = longer.text.index("a plate")
    moved_entity = Entity(text="a plate", start=moved, end=moved + 7, boxes=(box(0.5),))
    assert not is_list(longer.model_copy(update={"entities": (entities[0], moved_entity)}))


def test_without_links_or_with_more_behind_them_it_is_no_list():
    assert not is_list(GroundedText(text="an image of nothing.", entities=()))
    assert not is_list(listed(("a cup", [box(0.1)]), end=" on a table."))


def test_single_mentions_take_what_was_seen_and_groups_stay():
    right = rewritten(CAPTION, [("a blue cup", box(0.12)), ("a bowl", box(0.7))])
    assert right.text == "an image of a blue cup, two forks and a bowl."
    assert [entity.boxes for entity in right.entities] == [(box(0.12),), (box(0.3), box(0.5)), (box(0.7),)]


def test_what_is_mentioned_twice_goes_once():
    twice = listed(("a red pot", [box(0.1)]), ("a red teapot", [box(0.4)]), ("a teapot", [box(0.42)]))
    right = rewritten(twice, [("a red teapot", box(0.1)), ("a cup", box(0.4)), ("a cup", box(0.41))])
    assert right.text == "an image of a red teapot and a cup."


def test_words_that_nothing_was_seen_for_stay():
    assert rewritten(listed(("a red cup", [box(0.1)])), [("", box(0.1))]).text == "an image of a red cup."


@given(st.lists(st.tuples(st.text("ab c", min_size=1, max_size=9), st.floats(0, 0.9)), min_size=1, max_size=8))
def test_every_span_holds_its_words(seen):
    text = listed(*((f"thing {k}", [box(place)]) for k, (_, place) in enumerate(seen)))
    right = rewritten(text, [(words, box(place)) for words, place in seen])
    assert single_boxes(text) == [box(place) for _, place in seen]
    assert all(right.text[entity.start : entity.end] == entity.text for entity in right.entities)
    assert is_list(right)
