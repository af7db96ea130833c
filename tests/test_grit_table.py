"""Records to the released layout and back, any caption and any numbers; rows of anything else are refused."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kosmos_agent.grit.errors import InvalidRecordError
from kosmos_agent.grit.records import GritRecord, SpanBox
from kosmos_agent.grit.rejects import Reject, read_rejects, write_rejects
from kosmos_agent.grit.table import SCHEMA, holds_grit, read_table, write_table

NUMBER = st.floats(-2, 2)
TEXT = st.text(st.characters(codec="utf-8"), min_size=1, max_size=40)


@st.composite
def records(draw):
    caption = draw(TEXT)

    def spans():
        start = draw(st.integers(0, len(caption) - 1))
        end = draw(st.integers(start + 1, len(caption)))
        return SpanBox(start, end, (draw(NUMBER), draw(NUMBER), draw(NUMBER), draw(NUMBER)), draw(NUMBER))

    chunks, expressions = (tuple(spans() for _ in range(draw(st.integers(0, 3)))) for _ in range(2))
    return GritRecord(
        draw(TEXT), caption, draw(st.integers(1, 9_999)), draw(st.integers(1, 9_999)), chunks, expressions,
        draw(st.none() | st.integers(-(2**63), 2**63 - 1)), draw(st.text(st.characters(codec="utf-8"), max_size=20)),
        draw(st.none() | st.floats(0, 1)), draw(st.none() | st.floats(0, 1)),
    )  # fmt: skip


@settings(max_examples=40)
@given(rows=st.lists(records(), max_size=4))
def test_a_table_gives_back_what_was_written(rows, tmp_path_factory):
    path = tmp_path_factory.mktemp("table") / "00000.parquet"
    write_table(path, rows)
    assert list(read_table(path)) == rows
    assert holds_grit(path)


@given(records())
def test_a_span_cuts_the_same_characters_after_the_round_trip(record):
    again = GritRecord.from_row(record.to_row())
    for before, after in zip(record.noun_chunks, again.noun_chunks, strict=True):
        assert record.caption[slice(*before.span)] == again.caption[slice(*after.span)]


def test_the_columns_are_those_of_the_released_files(tmp_path):
    row = GritRecord("k", "a dog", 640, 480, (SpanBox(0, 5, (0.1, 0.2, 0.3, 0.4), 0.9),), ())
    write_table(tmp_path / "t.parquet", [row])
    table = pq.read_table(tmp_path / "t.parquet")
    assert table.schema.names == [
        "key", "clip_similarity_vitb32", "clip_similarity_vitl14", "id", "url", "caption", "width", "height",
        "noun_chunks", "ref_exps",
    ]  # fmt: skip
    assert table["noun_chunks"][0].as_py() == [[0.0, 5.0, 0.1, 0.2, 0.3, 0.4, 0.9]]
    assert pq.ParquetFile(tmp_path / "t.parquet").metadata.row_group(0).column(0).compression == "SNAPPY"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"caption": None}, "caption"),
        ({"caption": ""}, "0 characters"),
        ({"key": 7}, "key"),
        ({"width": "wide"}, "width"),
        ({"height": float("nan")}, "'height' is nan"),
        ({"noun_chunks": None}, "noun_chunks"),
        ({"noun_chunks": "[]"}, "noun_chunks"),
        ({"ref_exps": [[0, 5, 0.1]]}, "seven numbers"),
        ({"ref_exps": [[0, 99, 0, 0, 1, 1, 0.9]]}, "does not lie"),
        ({"ref_exps": [[0.5, 2, 0, 0, 1, 1, 0.9]]}, "does not lie"),
        ({"ref_exps": [[3, 3, 0, 0, 1, 1, 0.9]]}, "does not lie"),
        ({"ref_exps": [[0, 5, float("nan"), 0, 1, 1, 0.9]]}, "not finite"),
        ({"ref_exps": [7]}, "seven numbers"),
    ],
)
def test_a_bad_row_is_refused_with_its_field(change, field):
    good = GritRecord("k", "a dog", 640, 480, (), ()).to_row()
    with pytest.raises(InvalidRecordError, match=field):
        GritRecord.from_row({**good, **change})


def test_other_files_are_refused(tmp_path):
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"key": ["a"], "caption": ["b"]}), other)
    assert not holds_grit(other)
    with pytest.raises(InvalidRecordError, match="no column width"):
        list(read_table(other))
    (tmp_path / "broken.parquet").write_bytes(b"PAR1nothing")
    assert not holds_grit(tmp_path / "missing.parquet")
    for use in (holds_grit, lambda path: list(read_table(path))):
        with pytest.raises(InvalidRecordError, match="no parquet file"):
            use(tmp_path / "broken.parquet")


def test_released_files_with_32_bit_floats_are_read(tmp_path):
    narrow = pa.schema([field if field.name != "width" else pa.field("width", pa.float32()) for field in SCHEMA])
    row = GritRecord("k", "a dog", 640, 480, (SpanBox(0, 5, (0.1, 0.2, 0.3, 0.4), 0.9),), ())
    pq.write_table(pa.Table.from_pylist([row.to_row()], schema=narrow), tmp_path / "t.parquet")
    assert list(read_table(tmp_path / "t.parquet")) == [row]


def test_rejects_are_kept_word_for_word(tmp_path):
    rejects = [Reject("ключ", "detect", "invalid_image", 'he said "no"\nand left'), Reject("k\ud800", "parse", "x", "")]
    write_rejects(tmp_path / "r.jsonl", rejects[:1])
    assert list(read_rejects(tmp_path / "r.jsonl")) == rejects[:1]
    write_rejects(tmp_path / "r.jsonl", rejects)
    assert list(read_rejects(tmp_path / "r.jsonl")) == rejects
