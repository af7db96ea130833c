"""What a rendered scene's labels say is true of the scene, fixed, and more than nothing."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter

import numpy as np
from expression_reader import read
from kosmos_sim.captions import MENTIONED
from kosmos_sim.expressions.geometry import is_eligible
from kosmos_sim.labelled import REGIONS, labelled_scene, labelled_split
from kosmos_sim.questions import SORTS
from kosmos_sim.splits import TEST, split_phrases
from synthetic_scenes import synthetic_record

from kosmos_agent.phrases import names_several

RECORDS = [synthetic_record(TEST.seed, index, things=3 + index % 8, side=64, map_side=32) for index in range(40)]
PICTURES = list(labelled_split(TEST, RECORDS))


def corners(items) -> list[tuple[float, ...]]:
    return [item.box.corners for item in items]


def test_phrases_are_those_of_the_split_in_their_order() -> None:
    for (record, phrases), picture in zip(split_phrases(TEST, RECORDS), PICTURES, strict=True):
        boxes = {thing.instance: thing.box for thing in record.objects}
        assert [(item.text, item.kind) for item in picture.labels.phrases] == [(p.text, p.kind) for p in phrases]
        for item, phrase in zip(picture.labels.phrases, phrases, strict=True):
            assert [box.corners for box in item.boxes] == [boxes[instance] for instance in phrase.referents]
        np.testing.assert_array_equal(picture.rgb, record.rgb)


def test_labels_depend_on_the_scene_alone() -> None:
    assert [picture.labels for picture in labelled_split(TEST, RECORDS[::-1])] == [p.labels for p in PICTURES[::-1]]
    assert labelled_scene(RECORDS[3], TEST.seed, TEST.phrases).labels == PICTURES[3].labels
    assert len({picture.labels.image for picture in PICTURES}) == len(PICTURES)


def test_things_are_all_that_show_and_the_largest_clear_ones_are_prominent() -> None:
    for record, picture in zip(RECORDS, PICTURES, strict=True):
        things = picture.labels.things
        assert corners(things) == [thing.box for thing in record.objects]
        assert [(t.colour, t.category) for t in things] == [(t.colour, t.category) for t in record.objects]
        eligible = [is_eligible(thing) for thing in record.objects]
        prominent = [thing.prominent for thing in things]
        assert sum(prominent) == min(MENTIONED, sum(eligible))
        assert not any(p and not e for p, e in zip(prominent, eligible, strict=True))
        left_out = [t.box.area for t, p, e in zip(things, prominent, eligible, strict=True) if e and not p]
        assert max(left_out, default=0.0) <= min((t.box.area for t in things if t.prominent), default=1.0)


def test_regions_are_different_things_that_show_well() -> None:
    for record, picture in zip(RECORDS, PICTURES, strict=True):
        regions = picture.labels.regions
        shown = {thing.box: thing for thing in record.objects if is_eligible(thing)}
        assert len(set(corners(regions))) == len(regions) == min(REGIONS, len(shown))
        for region in regions:
            thing = shown[region.box.corners]
            assert (region.colour, region.category) == (thing.colour, thing.category)


def test_one_question_of_each_sort_that_the_scene_admits() -> None:
    kinds = Counter(question.kind for picture in PICTURES for question in picture.labels.questions)
    assert set(kinds) == set(SORTS)
    assert min(kinds.values()) > len(PICTURES) / 4
    for record, picture in zip(RECORDS, PICTURES, strict=True):
        assert len({question.kind for question in picture.labels.questions}) == len(picture.labels.questions)
        for question in picture.labels.questions:
            (answer,) = question.answers
            if question.kind == "what is where":
                assert len(read(answer, record)[0]) >= 1
            if question.kind == "is there":
                assert answer in ("yes", "no")


def test_ambiguous_phrases_are_for_one_thing_and_name_all_that_fit() -> None:
    asked = [(record, item) for record, p in zip(RECORDS, PICTURES, strict=True) for item in p.labels.ambiguous]
    assert len(asked) > len(RECORDS) / 4
    assert {len(item.boxes) for _, item in asked} == {2, 3}
    for record, item in asked:
        words = set(item.text.removeprefix("the ").replace("grey", "gray").split()) - {"thing", "object"}
        fitting = [t.box for t in record.objects if words <= {t.colour, *t.category.split()}]
        assert [box.corners for box in item.boxes] == fitting
        assert not names_several(item.text)


def test_labels_need_neither_a_renderer_nor_an_engine() -> None:
    code = "import sys, kosmos_sim.labelled; sys.exit('mujoco' in sys.modules or 'torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
