"""A second, slow reading of referring expressions, written from the words alone and sharing no code with the grammar.

`read(text, record)` gives (surely, possibly): instance ids that the words fit beyond doubt, and those that they might
fit. Numbers here restate the margins that the grammar promises.
"""

from __future__ import annotations

import math
import re
from itertools import pairwise

import numpy as np
from kosmos_sim.lexicon import CATEGORIES, COLOURS
from kosmos_sim.records import SceneObject, SceneRecord

PLURALS = {("boxes" if c == "box" else c + "s"): c for c in CATEGORIES} | {"things": None, "objects": None}
SINGULARS = {c: c for c in CATEGORIES} | {"thing": None, "object": None}
PLACES = {
    r"(to the |on the )?left of": "left", r"(to the |on the )?right of": "right", "behind": "behind",
    "in front of": "front", "next to": "next", "beside": "next", "on top of": "on", "on": "on", "inside": "on",
    "in": "on", "nearest to": "nearest", "closest to": "nearest", "nearest": "nearest",
}  # fmt: skip
EXTREMES = {
    "leftmost": "left", "rightmost": "right", "nearest": "near", "closest": "near", "farthest": "far",
    "furthest": "far", "biggest": "big", "largest": "big", "smallest": "small",
}  # fmt: skip
SIZES = {"big": "big", "large": "big", "small": "small", "little": "small"}
COUNTS = {"first": 0, "second": 1, "third": 2, "fourth": 3}
NOUN = rf"(?:(?:{'|'.join(COLOURS)}) )?(?:{'|'.join(SINGULARS)})"
TIE = 1e-9
"""Boxes end on pixels, so exact ties occur; rounding may break them either way."""
Answer = tuple[set[int], set[int]]


def read(text: str, record: SceneRecord) -> Answer:
    words = text.replace("grey", "gray")
    words = re.sub(r"^(the|an?) ", "", words)
    for pattern, place in PLACES.items():
        match = re.fullmatch(rf"(?P<noun>{NOUN}) (?:that is )?{pattern} the (?P<anchor>{NOUN})", words)
        if match:
            return _related(match["noun"], place, match["anchor"], record)
    match = re.fullmatch(r"(\w+) that is (\w+)", words)
    if match:
        return _plain(f"{match[2]} {match[1]}", record)
    match = re.fullmatch(r"(\w+) (.+) from the (left|right)", words)
    if match:
        return _counted(COUNTS[match[1]], match[2], match[3], record)
    match = re.fullmatch(r"middle (.+)|(.+) in the middle", words)
    if match:
        members = _members(match[1] or match[2], record)
        return _counted(1, match[1] or match[2], "left", record) if len(members) == 3 else (set(), _ids(members))
    match = re.fullmatch(r"(.+) on the (left|right)", words)
    if match:
        return _extreme(match[2], match[1], record)
    first, _, rest = words.partition(" ")
    if first in EXTREMES:
        return _extreme(EXTREMES[first], rest, record)
    if first in SIZES:
        return _extreme(SIZES[first], rest, record)
    words = re.sub(r"^(all the|both|two|three|four|five|six) ", "", words)
    return _plain(words, record)


def _ids(things: list[SceneObject]) -> set[int]:
    return {thing.instance for thing in things}


def _members(noun: str, record: SceneRecord) -> list[SceneObject]:
    *colour, name = noun.split()
    assert all(word in COLOURS for word in colour), noun
    category = SINGULARS[name] if name in SINGULARS else PLURALS[name]
    return [
        thing
        for thing in record.objects
        if category in (None, thing.category) and (not colour or colour == [thing.colour])
    ]


def _plain(noun: str, record: SceneRecord) -> Answer:
    ids = _ids(_members(noun, record))
    return ids, ids


def _table_m(thing: SceneObject, record: SceneRecord) -> np.ndarray:
    """By way of the camera: checks that both stored positions agree with the pose."""
    return (record.T_table_camera @ [*thing.position_camera_m, 1.0])[:3]


def _centre(thing: SceneObject) -> tuple[float, float]:
    x1, y1, x2, y2 = thing.box
    return (x1 + x2) / 2, (y1 + y2) / 2


def _ground_m(thing: SceneObject, record: SceneRecord) -> tuple[float, float, float]:
    """Radial, forward and sideways metres from the camera's foot."""
    dx, dy = _table_m(thing, record)[:2] - record.T_table_camera[:2, 3]
    heading = math.atan2(record.T_table_camera[1, 2], record.T_table_camera[0, 2])
    turn = math.atan2(dy, dx) - heading
    radial = math.hypot(dx, dy)
    return radial, radial * math.cos(turn), radial * math.sin(turn)


def _away_is_up(record: SceneRecord) -> bool:
    """A step away from the camera, from where it looks at the table, goes at most 45 degrees off the picture's top."""
    eye, view = record.T_table_camera[:3, 3], record.T_table_camera[:3, 2]
    seen = eye - view * eye[2] / view[2]
    step = np.array([*(view[:2] / np.hypot(*view[:2])), 0.0]) * 1e-4
    x, y, _ = record.T_table_camera[:3, :3].T @ (seen + step - eye)
    return -y >= abs(x)


def _distance_m(a: SceneObject, b: SceneObject, record: SceneRecord) -> float:
    return math.dist(_table_m(a, record)[:2], _table_m(b, record)[:2])


def _space_m(a: SceneObject, b: SceneObject, record: SceneRecord) -> float:
    return _distance_m(a, b, record) - sum(a.size_m[:2]) / 4 - sum(b.size_m[:2]) / 4


def _supports(thing: SceneObject, record: SceneRecord) -> list[int]:
    by_id = {other.instance: other for other in record.objects}
    chain = []
    while thing.on and thing.on not in chain:
        chain.append(thing.on)
        if thing.on not in by_id:
            break
        thing = by_id[thing.on]
    return chain


def _holds(place: str, a: SceneObject, b: SceneObject, record: SceneRecord) -> tuple[bool, bool]:
    """(surely, possibly) that `a` is at that place beside `b`."""
    (ax, ay), (bx, by) = _centre(a), _centre(b)
    if place in ("left", "right"):
        lead = bx - ax if place == "left" else ax - bx
        return lead >= 0.06 - TIE and abs(ay - by) <= 2 * lead + TIE, lead > 0.015 + TIE
    if place in ("behind", "front") and not _away_is_up(record):
        return False, True
    if place in ("behind", "front"):
        ga, gb = _ground_m(a, record), _ground_m(b, record)
        sign = 1 if place == "behind" else -1
        leads = [sign * (ga[k] - gb[k]) for k in (0, 1)]
        clear = min(leads) >= 0.05 - TIE and abs(ga[2] - gb[2]) <= 2 * min(leads) + TIE
        return clear, max(leads) > 0.005 + TIE
    if place == "on":
        chain = _supports(a, record)
        return chain[:1] == [b.instance], b.instance in chain
    stacked = b.instance in _supports(a, record) or a.instance in _supports(b, record)
    space = _space_m(a, b, record)
    return space <= 0.05 + TIE and not stacked, space < 0.10 - TIE or stacked


def _related(noun: str, place: str, anchor_noun: str, record: SceneRecord) -> Answer:
    anchors = _members(anchor_noun, record)
    if len(anchors) != 1:
        return set(), _ids(_members(noun, record))
    anchor = anchors[0]
    members = [thing for thing in _members(noun, record) if thing is not anchor]
    if place == "nearest":
        return _nearest(members, anchor, record)
    answers = {thing.instance: _holds(place, thing, anchor, record) for thing in members}
    return {k for k, (sure, _) in answers.items() if sure}, {k for k, (_, maybe) in answers.items() if maybe}


def _nearest(members: list[SceneObject], anchor: SceneObject, record: SceneRecord) -> Answer:
    def beats(a: SceneObject, b: SceneObject) -> bool:
        near_m, far_m = _distance_m(a, anchor, record), _distance_m(b, anchor, record)
        edge_m = _space_m(b, anchor, record) - _space_m(a, anchor, record)
        return far_m - near_m >= 0.03 - TIE and far_m >= 1.2 * near_m - TIE and edge_m >= 0.015 - TIE

    return _best(members, beats)


def _best(members: list[SceneObject], beats) -> Answer:
    winners = {a.instance for a in members if all(beats(a, b) for b in members if b is not a)}
    return winners, winners or _ids(members)


def _extreme(name: str, noun: str, record: SceneRecord) -> Answer:
    def beats(a: SceneObject, b: SceneObject) -> bool:
        if name in ("left", "right"):
            lead = _centre(b)[0] - _centre(a)[0]
            return (lead if name == "left" else -lead) >= 0.05 - TIE
        if name in ("near", "far"):
            ga, gb = _ground_m(a, record), _ground_m(b, record)
            leads = [(gb[k] - ga[k]) * (1 if name == "near" else -1) for k in (0, 1)]
            return min(leads) >= 0.05 - TIE
        big, small = (a, b) if name == "big" else (b, a)
        volumes = math.prod(big.extents_m) / math.prod(small.extents_m)
        return volumes >= 1.25**3 - 1e-6 and _area(big) >= 1.15 * _area(small) - TIE

    if name in ("near", "far") and not _away_is_up(record):
        return set(), _ids(_members(noun, record))
    return _best(_members(noun, record), beats)


def _area(thing: SceneObject) -> float:
    x1, y1, x2, y2 = thing.box
    return (x2 - x1) * (y2 - y1)


def _counted(place: int, noun: str, side: str, record: SceneRecord) -> Answer:
    members = sorted(_members(noun, record), key=lambda thing: _centre(thing)[0], reverse=side == "right")
    centres = [_centre(thing)[0] for thing in members]
    clear = all(abs(a - b) >= 0.04 - TIE for a, b in pairwise(centres))
    if place >= len(members) or not clear:
        return set(), _ids(members)
    return {members[place].instance}, {members[place].instance}
