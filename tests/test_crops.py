from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from expression_reader import read
from hypothesis import given, settings
from hypothesis import strategies as st
from kosmos_sim.crops import SIDE_SHARE, crop, mirror, sample_window
from kosmos_sim.expressions import sample_expressions
from kosmos_sim.records import SceneRecord
from synthetic_scenes import synthetic_record

from kosmos_agent.errors import InvalidArgumentError

SIDE = 112
FINE = [synthetic_record(21, index, things=9, side=SIDE, map_side=SIDE) for index in range(12)]
COARSE = [synthetic_record(21, index, things=9, side=SIDE, map_side=SIDE // 2) for index in range(12)]

windows = st.tuples(*[st.integers(0, SIDE // 2 - 1)] * 2, *[st.integers(8, SIDE // 2)] * 2).map(
    lambda v: (v[0], v[1], min(v[0] + v[2], SIDE // 2), min(v[1] + v[3], SIDE // 2))
)


def tight_box_px(mask: np.ndarray) -> tuple[int, int, int, int]:
    across, down = np.flatnonzero(mask.any(0)), np.flatnonzero(mask.any(1))
    return int(across[0]), int(down[0]), int(across[-1]) + 1, int(down[-1]) + 1


def same(a: SceneRecord, b: SceneRecord) -> None:
    np.testing.assert_array_equal(a.rgb, b.rgb)
    np.testing.assert_array_equal(a.instances, b.instances)
    np.testing.assert_allclose(a.T_table_camera, b.T_table_camera, atol=1e-12)
    np.testing.assert_allclose(a.intrinsics, b.intrinsics, atol=1e-9)
    for one, other in zip(a.objects, b.objects, strict=True):
        np.testing.assert_allclose(one.box, other.box, atol=1e-12)
        assert replace(one, box=other.box) == other


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, len(FINE) - 1), windows)
def test_boxes_hold_exactly_the_pixels_of_the_instance(index: int, window: tuple[int, int, int, int]) -> None:
    window = tuple(2 * cell for cell in window)
    cut = crop(FINE[index], window)
    height, width = cut.rgb.shape[:2]
    assert cut.instances.shape == (height, width)
    assert set(np.unique(cut.instances)) - {0} == {thing.instance for thing in cut.objects}
    for thing in cut.objects:
        mask = cut.instances == thing.instance
        tight = np.array(tight_box_px(mask)) / (width, height, width, height)
        np.testing.assert_allclose(thing.box, tight, atol=1e-9)
        assert thing.pixels == mask.sum()


@settings(max_examples=80, deadline=None, derandomize=True)
@given(st.integers(0, len(COARSE) - 1), windows)
def test_a_coarser_map_moves_no_edge_by_more_than_a_cell(index: int, window: tuple[int, int, int, int]) -> None:
    """Save where the map misses a strip thinner than a cell altogether."""
    coarse, fine = crop(COARSE[index], window), crop(FINE[index], tuple(2 * cell for cell in window))
    exact = {thing.instance: thing for thing in fine.objects}
    rows, columns = coarse.instances.shape
    for thing in coarse.objects:
        x1, y1, x2, y2 = thing.box
        assert 0 <= x1 < x2 <= 1
        assert 0 <= y1 < y2 <= 1
        if not (coarse.instances == thing.instance).any():
            continue
        seen = 2 * np.array(tight_box_px(coarse.instances == thing.instance))
        if np.abs(seen - tight_box_px(fine.instances == thing.instance)).max() > 2:
            continue
        apart = np.abs(np.array(thing.box) - exact[thing.instance].box) * [columns, rows, columns, rows]
        assert apart.max() <= 1 + 1e-9


@settings(max_examples=60, deadline=None, derandomize=True)
@given(st.integers(0, len(FINE) - 1), windows)
def test_what_is_cut_counts_as_hidden(index: int, window: tuple[int, int, int, int]) -> None:
    record = FINE[index]
    before = {thing.instance: thing for thing in record.objects}
    for thing in crop(record, tuple(2 * cell for cell in window)).objects:
        whole = before[thing.instance]
        share = thing.pixels / whole.pixels
        assert thing.visible == pytest.approx(whole.visible * share)
        assert thing.truncated == (whole.truncated or share < 1)


def test_the_whole_picture_is_its_own_crop() -> None:
    same(crop(FINE[0], (0, 0, SIDE, SIDE)), FINE[0])


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.integers(0, len(FINE) - 1), windows)
def test_intrinsics_follow_the_crop(index: int, window: tuple[int, int, int, int]) -> None:
    """A point of the world falls on the same picture content before and after."""
    record = FINE[index]
    x1, y1, x2, y2 = (2 * cell for cell in window)
    cut = crop(record, (x1, y1, x2, y2))
    point_m = np.array(record.objects[0].position_camera_m)
    before = (record.intrinsics @ point_m / point_m[2])[:2]
    after = (cut.intrinsics @ point_m / point_m[2])[:2]
    np.testing.assert_allclose(before - [x1, y1], after)
    np.testing.assert_array_equal(cut.rgb, record.rgb[y1:y2, x1:x2])


@pytest.mark.parametrize("window", [(0, 0, 0, 10), (5, 5, 4, 9), (-1, 0, 5, 5), (0, 0, SIDE + 1, 5)])
def test_windows_outside_the_map_are_refused(window: tuple[int, int, int, int]) -> None:
    with pytest.raises(InvalidArgumentError, match="inside"):
        crop(FINE[0], window)


@pytest.mark.parametrize("record", FINE[:6])
def test_mirror_twice_is_nothing(record: SceneRecord) -> None:
    same(mirror(mirror(record)), record)


@pytest.mark.parametrize("record", FINE[:6])
def test_mirrored_labels_agree_with_the_mirrored_picture(record: SceneRecord) -> None:
    flipped = mirror(record)
    np.testing.assert_allclose(np.linalg.det(flipped.T_table_camera[:3, :3]), 1)
    for thing in flipped.objects:
        mask = flipped.instances == thing.instance
        np.testing.assert_allclose(thing.box, np.array(tight_box_px(mask)) / SIDE, atol=1e-12)
        in_table_m = (flipped.T_table_camera @ [*thing.position_camera_m, 1])[:3]
        np.testing.assert_allclose(in_table_m, thing.position_table_m, atol=1e-9)
    point_m = np.array(record.objects[0].position_camera_m)
    flipped_m = np.array(flipped.objects[0].position_camera_m)
    x_px = (record.intrinsics @ point_m / point_m[2])[0]
    assert (flipped.intrinsics @ flipped_m / flipped_m[2])[0] == pytest.approx(SIDE - x_px)


def test_left_and_right_change_places_in_the_mirror() -> None:
    """Each phrase with left and right exchanged names the same things in the mirrored picture."""
    swap = {"left": "right", "right": "left", "leftmost": "rightmost", "rightmost": "leftmost"}
    sided = 0
    for record in FINE:
        rng = np.random.default_rng(record.index)
        for phrase in sample_expressions(record.objects, rng, 12, T_table_camera=record.T_table_camera):
            words = phrase.text.split()
            sided += any(word in swap for word in words)
            text = " ".join(swap.get(word, word) for word in words)
            surely, possibly = read(text, mirror(record))
            assert surely == possibly == set(phrase.referents), phrase
    assert sided > 20


def test_windows_keep_to_their_limits_and_spread_the_object_sizes() -> None:
    rng = np.random.default_rng(0)
    sizes, whole = [], 0
    for _ in range(400):
        record = COARSE[int(rng.integers(len(COARSE)))]
        rows, columns = record.instances.shape
        left, top, right, bottom = window = sample_window(record, rng)
        assert 0 <= left < right <= columns
        assert 0 <= top < bottom <= rows
        assert min(right - left, bottom - top) >= SIDE_SHARE[0] * columns
        whole += window == (0, 0, columns, rows)
        sizes += [max(t.box[2] - t.box[0], t.box[3] - t.box[1]) for t in crop(record, window).objects]
    assert 0.1 < whole / 400 < 0.6
    assert np.quantile(sizes, 0.1) < 0.16
    assert np.quantile(sizes, 0.9) > 0.28


def test_phrases_stay_true_after_any_crop() -> None:
    rng = np.random.default_rng(1)
    for record in FINE * 2:
        cut = crop(record, sample_window(record, rng))
        for phrase in sample_expressions(cut.objects, rng, 8, T_table_camera=cut.T_table_camera):
            surely, possibly = read(phrase.text, cut)
            assert surely == possibly == set(phrase.referents), phrase
