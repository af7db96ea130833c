"""GrIT files with their pictures into square pictures and linked captions (specification 5.2)."""

import json
import tarfile

import numpy as np
import pytest
from grit_parts import DOG_CAPTION, MAKERS, jpeg, write_sample, write_shards
from hypothesis import assume, given
from hypothesis import strategies as st
from PIL import Image

from kosmos_agent.errors import InvalidArgumentError, InvalidImageError
from kosmos_agent.grit.building import build, plan
from kosmos_agent.grit.cropping import MIN_KEPT, Fitting
from kosmos_agent.grit.reading import ReadSettings, grounded_pairs, grounded_text
from kosmos_agent.grit.recipe import Recipe
from kosmos_agent.grit.records import GritRecord, SpanBox
from kosmos_agent.grit.table import write_table

SQUARE = Fitting.of(224, 224, 224, "crop")
DOG, FIELD, FLOWERS = (0, 5), (9, 27), (20, 27)
SIDES = st.integers(30, 600)
EDGE = st.floats(0, 1)


def record(*rows, chunks=(), key="000000000"):
    expressions = tuple(SpanBox(*span, corners, score) for span, corners, score in rows)
    return GritRecord(key, DOG_CAPTION, 64, 48, tuple(chunks), expressions)


def said(text):
    return [(entity.text, [box.corners for box in entity.boxes]) for entity in text.entities]


def told():
    rejects = []
    return rejects, lambda reject: rejects.append((reject.key, reject.code))


def test_a_wide_picture_is_cut_at_both_sides():
    fitting = Fitting.of(448, 224, 224, "crop")
    assert (fitting.scaled_px, fitting.offset_px) == ((448, 224), (112, 0))
    assert fitting.box((0.25, 0.0, 0.75, 1.0)) == (0.0, 0.0, 1.0, 1.0)
    assert fitting.box((0.375, 0.25, 0.625, 0.5)) == (0.25, 0.25, 0.75, 0.5)


def test_the_longer_side_is_cut_down_to_whole_pixels():
    assert Fitting.of(641, 480, 224, "crop").scaled_px == (299, 224)
    assert Fitting.of(480, 641, 224, "crop").offset_px == (0, 38)


def test_boxes_with_a_fifth_of_their_area_left_stay_and_others_go():
    fitting = Fitting.of(448, 224, 224, "crop")
    assert fitting.box((0.0, 0.0, 0.3125, 1.0)) == pytest.approx((0.0, 0.0, 0.125, 1.0))
    assert fitting.box((0.0, 0.0, 0.31, 1.0)) is None
    assert fitting.box((0.0, 0.0, 0.2, 1.0)) is None
    assert fitting.box((0.5, 0.5, 0.5, 0.9)) is None
    assert fitting.box((0.6, 0.5, 0.5, 0.9)) is None


@given(SIDES, SIDES, st.tuples(EDGE, EDGE, EDGE, EDGE))
def test_what_the_crop_keeps_lies_in_it_and_an_uncut_box_goes_back_to_its_place(width, height, edges):
    x1, x2 = sorted(edges[::2])
    y1, y2 = sorted(edges[1::2])
    assume(x2 - x1 > 1e-6 and y2 - y1 > 1e-6)
    assume(max(width, height) <= 20 * min(width, height))
    fitting = Fitting.of(width, height, 224, "crop")
    box = fitting.box((x1, y1, x2, y2))
    if box is None:
        return
    assert 0 <= box[0] < box[2] <= 1
    assert 0 <= box[1] < box[3] <= 1
    kept_px = (box[2] - box[0]) * (box[3] - box[1]) * 224**2
    assert kept_px >= MIN_KEPT * (x2 - x1) * (y2 - y1) * fitting.scaled_px[0] * fitting.scaled_px[1] * (1 - 1e-9)
    if min(box) > 0 and max(box) < 1:
        assert fitting.whole(box) == pytest.approx((x1, y1, x2, y2))


def test_a_box_lands_on_the_same_pixels_as_its_thing():
    image = Image.new("RGB", (400, 200))
    image.paste((255, 255, 255), (150, 50, 250, 150))
    fitting = Fitting.of(400, 200, 100, "crop")
    box = fitting.box((150 / 400, 50 / 200, 250 / 400, 150 / 200))
    rows, columns = np.nonzero(fitting.picture(image)[..., 0] > 127)
    assert box == (columns.min() / 100, rows.min() / 100, (columns.max() + 1) / 100, (rows.max() + 1) / 100)


def test_stretched_boxes_keep_their_fractions():
    assert Fitting.of(400, 200, 100, "stretch").box((0.1, 0.2, 0.3, 0.4)) == pytest.approx((0.1, 0.2, 0.3, 0.4))


def test_a_picture_that_is_a_line_is_refused():
    with pytest.raises(InvalidImageError, match="1 to 20"):
        Fitting.of(64_000_000, 1, 224, "crop")


def test_scores_below_the_line_go_and_the_line_itself_stays():
    rows = record((DOG, (0, 0, 0.5, 0.5), 0.65), (FLOWERS, (0, 0, 0.5, 0.5), 0.64))
    assert said(grounded_text(rows, SQUARE, ReadSettings())) == [("a dog", [(0, 0, 0.5, 0.5)])]


def test_of_expressions_the_outermost_stay_and_their_boxes_keep_their_order():
    whole = (0, 27)
    first, second = (0.5, 0.5, 1.0, 1.0), (0.0, 0.0, 0.5, 0.5)
    rows = record((FLOWERS, first, 0.9), (whole, first, 0.9), (FIELD, second, 0.9), (whole, second, 0.7))
    assert said(grounded_text(rows, SQUARE, ReadSettings())) == [(DOG_CAPTION, [first, second])]


def test_a_containing_expression_without_a_box_left_hides_nothing():
    rows = record((FLOWERS, (0, 0, 0.5, 0.5), 0.9), ((0, 27), (0, 0, 0.5, 0.5), 0.3))
    assert said(grounded_text(rows, SQUARE, ReadSettings())) == [("flowers", [(0, 0, 0.5, 0.5)])]


def test_chunks_may_be_linked_instead():
    chunks = [SpanBox(*FLOWERS, (0, 0, 0.5, 0.5), 0.9), SpanBox(*DOG, (0, 0, 1, 1), 0.9)]
    rows = record(((0, 27), (0, 0, 1, 1), 0.9), chunks=chunks)
    text = grounded_text(rows, SQUARE, ReadSettings(spans="chunk"))
    assert [entity.text for entity in text.entities] == ["a dog", "flowers"]


def test_a_built_folder_finds_its_pictures_by_itself(tmp_path):
    write_shards(tmp_path / "pairs")
    shards = plan(tmp_path / "pairs", tmp_path / "out", MAKERS, Recipe())
    build(shards[:1], tmp_path / "out", MAKERS, Recipe())
    rejects, tell = told()
    pairs = list(grounded_pairs(tmp_path / "out", on_reject=tell))
    assert [pair.key for pair in pairs] == ["000000000", "000000001", "000000002"]
    assert pairs[0].rgb.shape == (224, 224, 3)
    assert [entity.text for entity in pairs[0].text.entities] == [DOG_CAPTION]
    assert rejects == [("00001", "invalid_record")]


def test_released_files_are_read_from_the_samples_own_json_in_a_tar(tmp_path):
    row = record((DOG, (0.2, 0.2, 0.8, 0.8), 0.9)).to_row()
    write_sample(tmp_path / "x", "000000007", facts={**row, "key": "000000007"})
    with tarfile.open(tmp_path / "00000.tar", "w") as file:
        for path in sorted((tmp_path / "x").iterdir()):
            file.add(path, arcname=path.name)
            path.unlink()
    (pair,) = grounded_pairs(tmp_path, settings=ReadSettings(size_px=32))
    assert pair.key == "000000007"
    assert pair.rgb.shape == (32, 32, 3)


def test_released_files_are_read_from_the_table_beside_the_shard(tmp_path):
    write_shards(tmp_path, shards=1, pairs=3)
    rows = [record((DOG, (0.2, 0.2, 0.8, 0.8), 0.9), key=key) for key in ("000000002", "000000000", "elsewhere")]
    write_table(tmp_path / "00000.parquet", rows)
    assert [pair.key for pair in grounded_pairs(tmp_path)] == ["000000000", "000000002"]


def test_a_damaged_table_is_told_once_and_the_other_shards_are_read(tmp_path):
    write_shards(tmp_path, shards=2, pairs=2)
    (tmp_path / "00000.parquet").write_bytes(b"PAR1")
    write_table(tmp_path / "00001.parquet", [record((DOG, (0.2, 0.2, 0.8, 0.8), 0.9), key="000010001")])
    rejects, tell = told()
    assert [pair.key for pair in grounded_pairs(tmp_path, on_reject=tell)] == ["000010001"]
    assert rejects == [("00000", "invalid_record")]


def test_tables_and_pictures_may_lie_apart(tmp_path):
    write_shards(tmp_path / "pictures", shards=1, pairs=1)
    (tmp_path / "tables").mkdir()
    write_table(tmp_path / "tables" / "00000.parquet", [record((DOG, (0.2, 0.2, 0.8, 0.8), 0.9))])
    (pair,) = grounded_pairs(tmp_path / "tables", pictures=tmp_path / "pictures")
    assert pair.key == "000000000"


def test_pairs_that_cannot_be_used_are_told_and_skipped(tmp_path):
    good = record((DOG, (0.2, 0.2, 0.8, 0.8), 0.9)).to_row()
    unsure = record((DOG, (0.2, 0.2, 0.8, 0.8), 0.1)).to_row()
    shard = tmp_path / "00000"
    write_sample(shard, "a", facts=good)
    write_sample(shard, "b", facts={**good, "ref_exps": [[0, 99, 0, 0, 1, 1, 0.9]]})
    write_sample(shard, "c", facts=good, picture=b"none")
    write_sample(shard, "d", facts="{broken")
    write_sample(shard, "e", facts=unsure)
    write_sample(shard, "f", facts=good, picture=jpeg(400, 10))
    write_sample(shard, "g", facts=json.dumps(good))
    rejects, tell = told()
    assert [pair.key for pair in grounded_pairs(tmp_path, on_reject=tell)] == ["a", "g"]
    assert rejects == [
        ("b", "invalid_record"), ("c", "invalid_image"), ("d", "invalid_record"), ("e", "nothing_grounded"),
        ("f", "invalid_image"),
    ]  # fmt: skip


def test_small_pictures_may_be_skipped(tmp_path):
    write_sample(tmp_path / "0", "a", facts=record((DOG, (0.2, 0.2, 0.8, 0.8), 0.9)).to_row())
    rejects, tell = told()
    assert not list(grounded_pairs(tmp_path, settings=ReadSettings(min_side_px=200), on_reject=tell))
    assert rejects == [("a", "invalid_record")]


def test_the_parts_of_several_readers_make_up_the_whole(tmp_path):
    write_shards(tmp_path / "pairs", shards=5, pairs=1)
    shards = plan(tmp_path / "pairs", tmp_path / "out", MAKERS, Recipe())
    build(shards, tmp_path / "out", MAKERS, Recipe())
    parts = [[p.key for p in grounded_pairs(tmp_path / "out", settings=ReadSettings(part=(k, 2)))] for k in (0, 1)]
    assert sorted(parts[0] + parts[1]) == [pair.key for pair in grounded_pairs(tmp_path / "out")]
    assert [len(part) for part in parts] == [3, 2]


@pytest.mark.parametrize("wrong", [{"part": (2, 2)}, {"size_px": 0}, {"spans": "words"}, {"fit": "pad"}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(InvalidArgumentError):
        ReadSettings(**wrong)
