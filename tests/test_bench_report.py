"""The report, its tables, its pictures, and the page that they stand in."""

from pathlib import Path

import pytest
from bench_report import BUSY, CAREFUL, OURS, THEIRS, comparison, timing
from PIL import Image
from pydantic import ValidationError

from kosmos_agent.benchmarking import tables
from kosmos_agent.benchmarking.page import page_tables
from kosmos_agent.benchmarking.plots import write_plots
from kosmos_agent.benchmarking.report import Comparison, ratios_of
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.marks import filled

PAGE = Path(__file__).parents[1] / "docs" / "performance.md"


def test_a_report_survives_being_written_down():
    found = comparison()
    assert Comparison.model_validate_json(found.model_dump_json()) == found


def test_a_report_with_anything_unknown_in_it_is_refused():
    data = comparison().model_dump()
    data["works"]["new_1"][OURS]["mean_ms"] = 3.0
    with pytest.raises(ValidationError, match="mean_ms"):
        Comparison.model_validate(data)


def test_ratios_are_against_the_faster_of_their_number_types():
    timings = {"theirs float32": timing(900), "theirs bfloat16": timing(300), "ours": timing(100)}
    ratios = ratios_of({"new_1": timings}, {"theirs": ["theirs float32", "theirs bfloat16"]}, ["ours"])
    assert ratios == {"new_1": {"theirs": {"ours": pytest.approx(3.0)}}}


def test_a_work_that_one_side_does_not_do_has_no_ratio():
    ratios = comparison().ratios
    assert ratios["new_8"]["transformers, careful"][OURS] == pytest.approx(3)
    assert "transformers, careful" not in ratios["new_1"]


def test_noise_is_said_in_every_table_that_rests_on_it():
    calm, noisy = comparison(), comparison(noise=BUSY)
    assert calm.noisy == []
    assert noisy.noisy == [f"new_8: {OURS}"]
    for found in (calm, noisy):
        whole = "\n".join([tables.works_table(found), tables.ratios_table(found)])
        assert (tables.NOISY_MARK in whole) == bool(found.noisy)
    assert f"new_8: {OURS}" in tables.noise_line(noisy)
    assert "left our processors alone" in tables.noise_line(calm), "calm is said too"


def without_limits(found):
    return found.model_copy(update={"limits": None})


def test_tables_hold_the_figures():
    found = comparison()
    assert f"| {THEIRS} | 1,200 | 1,200 | 9,600 | 1,200 |" in tables.works_table(found)
    assert f"| {CAREFUL} | - | - | 2,400 | - |" in tables.works_table(found)
    assert f"| {OURS} | transformers | 12.0 | 12.0 | 12.0 | 12.0 |" in tables.ratios_table(found)
    assert f"| {OURS} | 8 of 8 | 11 of 12 | 0.012 | 0.0004 |" in tables.answers_table(found)
    assert "| float32 | 1.5 | 20 | 5 (reading) | 10.0 | 50 % |" in tables.floors_table(found)
    assert f"| {OURS} | 2.50 | 0.50 | 1,800 |" in tables.lone_table(found)
    assert "| vision | tower | 12.00 | 60 % |" in tables.parts_table(found)
    assert "ms in bfloat16" in tables.parts_table(found)
    assert f"| {OURS} | 200 |" in tables.throughput_table(found)
    assert "| `aten::mm` | 7 | 25 % |" in tables.operations_table(found)


def test_the_limits_of_both_parts_are_told():
    """Each part's floors rest on its own."""
    found = comparison()
    faster = found.limits.model_copy(update={"read_gb_s": 20.0, "gemm_side": 8192})
    text = tables.limits_table(
        {"one": found, "other": found.model_copy(update={"limits": faster}), "none": without_limits(found)}
    )
    assert "| limit | measured with one | measured with other |" in text
    assert "| float32 product of 2048 x 2048, 10^9 operations/s | 100 | - |" in text
    assert "| float32 product of 8192 x 8192, 10^9 operations/s | - | 100 |" in text
    assert "| reading, GB/s | 10.0 | 20.0 |" in text


def test_a_report_of_before_the_agreement_was_measured_has_no_columns_for_it():
    data = comparison().model_dump()
    for name in ("presence_changes", "corners_move"):
        del data["answers"][OURS][name]
    assert f"| {OURS} | 8 of 8 | 11 of 12 |\n" in tables.answers_table(Comparison.model_validate(data)) + "\n"


def test_captions_of_unlike_length_are_not_passed_off_as_faster():
    found = comparison()
    assert "All captions were 64 tokens long." in tables.works_table(found)
    uneven = found.model_copy(update={"caption_tokens": {OURS: 9, THEIRS: 64}})
    assert f"do not compare; tokens: {OURS} 9, {THEIRS} 64" in tables.works_table(uneven)
    assert (
        f"64 tokens long. Guessed right, and so read in one pass with others, were: {OURS} 21."
        in tables.works_table(found)
    )
    assert "aption" not in tables.works_table(found.model_copy(update={"caption_tokens": {}})).rpartition("|")[2]


def test_tables_have_as_many_cells_in_every_row():
    texts = page_tables(comparison(), comparison()).values()
    for text in (part for whole in texts for part in whole.split("\n\n")):
        rows = [line for line in text.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in rows}) <= 1


def test_what_was_not_measured_is_said():
    found = comparison()
    bare = found.model_copy(
        update={"lone": {}, "stages": {}, "breakdown": None, "limits": None, "answers": {}, "throughput": {}}
    )
    told = page_tables(bare, bare)
    for name in ("parts", "operations", "limits", "full lone", "embedded floors", "full answers"):
        assert told[name] == "Not measured in this run."
    assert tables.summary_tables(bare)


def test_the_page_has_a_place_for_every_table_and_keeps_its_words():
    page, generated = PAGE.read_text(encoding="utf-8"), page_tables(comparison(), comparison())
    first = filled(page, generated)
    assert filled(first, generated) == first
    assert all(text in first for text in generated.values())

    def words(text):
        kept, inside = [], False
        for line in text.splitlines():
            inside = inside or (line.startswith("<!-- ") and not line.startswith("<!-- end of "))
            kept += [] if inside else [line]
            inside = inside and not line.startswith("<!-- end of ")
        return kept

    assert words(first) == words(page)


@pytest.mark.parametrize("page", ["no mark", "<!-- a -->\n<!-- a -->\n<!-- end of a -->", "<!-- a -->\n"])
def test_a_page_without_its_marks_is_refused(page):
    with pytest.raises(InvalidArgumentError, match="<!-- a -->"):
        filled(page, {"a": "table"})


def test_pictures_are_drawn_and_small(tmp_path):
    names = write_plots(tmp_path, comparison(), "tiny")
    assert set(names) == {f"tiny-{kind}.png" for kind in ("works", "floors", "beside", "parts")}
    for name in names:
        assert (tmp_path / name).stat().st_size < 80_000
        with Image.open(tmp_path / name) as picture:
            assert picture.width > 400


def test_no_picture_of_what_was_not_measured(tmp_path):
    bare = comparison().model_copy(update={"stages": {}, "beside": [], "breakdown": None})
    assert write_plots(tmp_path, bare, "tiny") == ["tiny-works.png"]


def test_the_page_shows_every_picture(tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    drawn = {name for prefix in ("embedded", "full") for name in write_plots(tmp_path, comparison(), prefix)}
    assert {name for name in drawn if f"performance/{name}" in page} == drawn - {"full-parts.png"}
