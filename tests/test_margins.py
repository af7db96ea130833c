"""Each predicate just inside and just outside its margins, on hand-placed things."""

from __future__ import annotations

import numpy as np
import pytest
from kosmos_sim.expressions.geometry import MAYBE, NO, YES, Geometry, measure
from kosmos_sim.expressions.ordinals import row
from kosmos_sim.expressions.relations import nearest_match, only_match
from kosmos_sim.expressions.sizes import outsized
from kosmos_sim.expressions.superlatives import winner
from kosmos_sim.records import SceneObject

LOOKING_ALONG_Y = np.array([[1, 0, 0, 0], [0, 0, 1, -1], [0, -1, 0, 0.3], [0, 0, 0, 1.0]])
"""A level camera one metre before the table's middle: ground distance is y + 1, sideways is x."""


def thing(
    instance: int,
    x: float = 0.5,
    y: float = 0.5,
    *,
    at_m: tuple[float, float] = (0.0, 0.0),
    side_m: float = 0.04,
    turned: float = 1.0,
    side: float = 0.1,
    category: str = "cup",
    on: int = 0,
    visible: float = 1.0,
    truncated: bool = False,
) -> SceneObject:
    box = (x - side / 2, y - side / 2, x + side / 2, y + side / 2)
    place_m = (*at_m, 0.0)
    camera_m = tuple((np.linalg.inv(LOOKING_ALONG_Y) @ [*place_m, 1])[:3].tolist())
    own_m, size_m = (side_m, side_m, side_m), (side_m * turned, side_m * turned, side_m)
    return SceneObject(category, "red", box, instance, 99, visible, truncated, camera_m, place_m, size_m, own_m, on=on)


def scene(*things: SceneObject) -> Geometry:
    return measure(things, LOOKING_ALONG_Y)


def state(relation: str, first: SceneObject, second: SceneObject) -> int:
    return scene(first, second).states[relation][0][1]


@pytest.mark.parametrize(("lead", "expected"), [(0.061, YES), (0.059, MAYBE), (0.016, MAYBE), (0.014, NO), (-0.2, NO)])
def test_left_and_right(lead: float, expected: int) -> None:
    assert state("left of", thing(1, 0.5 - lead), thing(2, 0.5)) == expected
    assert state("right of", thing(1, 0.5 + lead), thing(2, 0.5)) == expected


@pytest.mark.parametrize(("down", "expected"), [(0.19, YES), (0.21, MAYBE), (-0.21, MAYBE)])
def test_beside_is_not_above_or_below(down: float, expected: int) -> None:
    assert state("left of", thing(1, 0.4, 0.5 + down), thing(2, 0.5)) == expected


@pytest.mark.parametrize(
    ("lead_m", "expected"), [(0.051, YES), (0.049, MAYBE), (0.006, MAYBE), (0.004, NO), (-0.2, NO)]
)
def test_behind_and_in_front(lead_m: float, expected: int) -> None:
    assert state("behind", thing(1, at_m=(0, lead_m)), thing(2)) == expected
    assert state("in front of", thing(1, at_m=(0, -lead_m)), thing(2)) == expected


@pytest.mark.parametrize(("sideways_m", "expected"), [(0.19, YES), (0.21, MAYBE)])
def test_behind_is_not_beside(sideways_m: float, expected: int) -> None:
    assert state("behind", thing(1, at_m=(sideways_m, 0.1)), thing(2)) == expected


def test_farther_one_way_only_is_neither_behind_nor_not() -> None:
    """Far out to the side a thing is farther from the camera without being deeper in the picture."""
    assert state("behind", thing(1, at_m=(0.6, 0.0)), thing(2)) == MAYBE


@pytest.mark.parametrize(("gap_m", "expected"), [(0.049, YES), (0.051, MAYBE), (0.099, MAYBE), (0.101, NO)])
def test_next_to(gap_m: float, expected: int) -> None:
    assert state("next to", thing(1, at_m=(gap_m + 0.04, 0)), thing(2)) == expected


def test_stacks() -> None:
    bottom, middle, top = thing(1), thing(2, on=1), thing(3, on=2)
    states = scene(bottom, middle, top).states
    assert [row[0] for row in states["on"]] == [NO, YES, MAYBE]
    assert states["on"][0] == [NO, NO, NO]
    assert states["next to"][1][0] == states["next to"][0][1] == MAYBE


def test_support_that_does_not_show() -> None:
    assert scene(thing(1, on=77), thing(2)).states["on"] == [[NO, NO], [NO, NO]]


@pytest.mark.parametrize(
    ("first_m", "second_m", "clear"),
    [(0.10, 0.131, True), (0.10, 0.129, False), (0.20, 0.239, False), (0.20, 0.241, True), (0.131, 0.10, False)],
)
def test_nearest(first_m: float, second_m: float, clear: bool) -> None:
    anchor = thing(9, category="box")
    found = nearest_match(scene(anchor, thing(1, at_m=(first_m, 0)), thing(2, at_m=(0, second_m))), (None, "cup"), 0)
    assert (found == 1) == clear


def test_nearest_agrees_with_the_free_space() -> None:
    """The centre of the small cup is nearer, but the edge of the large one is."""
    anchor, small, large = thing(9, category="box"), thing(1, at_m=(0.10, 0)), thing(2, at_m=(0, 0.14), side_m=0.12)
    assert nearest_match(scene(anchor, small, large), (None, "cup"), 0) is None


def test_nearest_needs_a_rival() -> None:
    assert nearest_match(scene(thing(9, category="box"), thing(1, at_m=(0.1, 0))), (None, "cup"), 0) is None


def test_a_near_miss_spoils_a_relation() -> None:
    anchor, cup = thing(9, 0.5, category="box"), thing(1, 0.3)
    assert only_match(scene(anchor, cup, thing(2, 0.49)), "left of", (None, "cup"), 0) == 1
    assert only_match(scene(anchor, cup, thing(2, 0.46)), "left of", (None, "cup"), 0) is None
    assert only_match(scene(anchor, thing(2, 0.46)), "left of", (None, "cup"), 0) is None


@pytest.mark.parametrize(("lead", "expected"), [(0.051, 0), (0.049, None)])
def test_leftmost(lead: float, expected: int | None) -> None:
    assert winner(scene(thing(1, 0.5 - lead), thing(2)), "leftmost", (0, 1)) == expected
    assert winner(scene(thing(1, 0.5 + lead), thing(2)), "rightmost", (0, 1)) == expected


@pytest.mark.parametrize(("lead_m", "expected"), [(0.051, 0), (0.049, None)])
def test_nearest_and_farthest_of_all(lead_m: float, expected: int | None) -> None:
    assert winner(scene(thing(1, at_m=(0, -lead_m)), thing(2)), "nearest", (0, 1)) == expected
    assert winner(scene(thing(1, at_m=(0, lead_m)), thing(2)), "farthest", (0, 1)) == expected


@pytest.mark.parametrize(
    ("ratio", "side", "expected"), [(1.26, 0.11, 0), (1.24, 0.11, None), (1.26, 0.107, None), (1.26, 0.1, None)]
)
def test_biggest_in_the_world_and_in_the_picture(ratio: float, side: float, expected: int | None) -> None:
    both = scene(thing(1, side_m=0.04 * ratio, side=side), thing(2))
    assert winner(both, "biggest", (0, 1)) == expected
    assert winner(both, "smallest", (0, 1)) == (None if expected is None else 1)


@pytest.mark.parametrize(("ratio", "expected"), [(1.31, 0), (1.29, None)])
def test_big_needs_a_clearer_partner(ratio: float, expected: int | None) -> None:
    both = scene(thing(1, side_m=0.04 * ratio, side=0.15), thing(2))
    assert outsized(both, (None, "cup"), big=True) == expected
    assert outsized(both, (None, "cup"), big=False) == (None if expected is None else 1)
    assert outsized(scene(thing(1)), (None, "cup"), big=True) is None


def test_turning_a_thing_does_not_make_it_bigger() -> None:
    """A square seen along its diagonal reaches 1.41 times as far along both axes of the table."""
    both = scene(thing(1, side_m=0.04, turned=2**0.5, side=0.15), thing(2))
    assert winner(both, "biggest", (0, 1)) is None
    assert outsized(both, (None, "cup"), big=True) is None


@pytest.mark.parametrize(("step", "expected"), [(0.041, [1, 0]), (0.039, None)])
def test_rows(step: float, expected: list[int] | None) -> None:
    assert row(scene(thing(1, 0.5), thing(2, 0.5 - step)), (0, 1)) == expected


def test_a_hidden_winner_is_no_winner_and_leaves_no_second() -> None:
    hidden = scene(thing(1, 0.2, visible=0.29), thing(2, 0.5), thing(3, 0.8))
    assert winner(hidden, "leftmost", (0, 1, 2)) is None
    assert row(hidden, (0, 1, 2)) is None


@pytest.mark.parametrize(
    ("side_px", "visible", "truncated", "expected"),
    [(10.1, 1, False, True), (9.9, 1, False, False), (16.1, 1, True, True), (15.9, 1, True, False),
     (40, 0.31, False, True), (40, 0.29, False, False)],
)  # fmt: skip
def test_who_may_be_asked_for(side_px: float, visible: float, truncated: bool, expected: bool) -> None:
    assert scene(thing(1, side=side_px / 224, visible=visible, truncated=truncated)).eligible == [expected]


def test_without_a_pose_nothing_is_known_of_depth() -> None:
    flat = measure([thing(1), thing(2, at_m=(0, 0.3))])
    assert flat.states.keys() == {"on", "next to", "left of", "right of"}
    assert winner(flat, "farthest", (0, 1)) is None


@pytest.mark.parametrize(("roll_deg", "clear"), [(0, True), (44, True), (-44, True), (46, False), (180, False)])
@pytest.mark.parametrize("pitch_deg", [0, 20, 65])
def test_nothing_is_said_of_depth_where_the_picture_is_rolled(roll_deg: float, clear: bool, pitch_deg: float) -> None:
    roll, pitch = np.deg2rad([roll_deg, pitch_deg])
    pose = LOOKING_ALONG_Y.copy()
    lean = [[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)], [0, np.sin(pitch), np.cos(pitch)]]
    turn = [[np.cos(roll), -np.sin(roll), 0], [np.sin(roll), np.cos(roll), 0], [0, 0, 1]]
    pose[:3, :3] = pose[:3, :3] @ np.linalg.inv(lean) @ turn
    assert pose[2, 2] == pytest.approx(-np.sin(pitch))
    both = measure([thing(1, at_m=(0, 0.2)), thing(2)], pose)
    assert both.states["behind"][0][1] == both.states["in front of"][1][0] == (YES if clear else MAYBE)
    assert both.states["behind"][1][0] == (NO if clear else MAYBE)
    assert winner(both, "farthest", (0, 1)) == (0 if clear else None)


def test_straight_down_away_is_the_top_of_the_picture() -> None:
    down = np.array([[1, 0, 0, 0], [0, -1, 0, -0.5], [0, 0, -1, 1], [0, 0, 0, 1.0]])
    states = measure([thing(1, at_m=(0, 0.2)), thing(2)], down).states
    assert states["behind"][0][1] == YES
    assert states["behind"][1][0] == NO
