"""Counts as in the paper's Table 1, by hand on two records."""

import pytest
from grit_parts import DOG_CAPTION

from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grit.records import GritRecord, SpanBox
from kosmos_agent.grit.rejects import Reject, write_rejects
from kosmos_agent.grit.statistics import statistics
from kosmos_agent.grit.table import write_table

BOX = (0.1, 0.1, 0.5, 0.5)


def spans(*pairs):
    return tuple(SpanBox(start, end, BOX, 0.9) for start, end in pairs)


def test_objects_are_boxes_and_contained_spans_do_not_count(tmp_path):
    whole, dog, flowers = (0, 27), (0, 5), (20, 27)
    first = GritRecord("a", DOG_CAPTION, 64, 48, spans(dog, flowers), spans(whole, flowers))
    second = GritRecord("b", DOG_CAPTION, 64, 48, spans(dog, flowers, flowers), spans(dog, flowers, flowers))
    write_table(tmp_path / "00000.parquet", [first])
    write_table(tmp_path / "00001.parquet", [second])
    (tmp_path / "rejects").mkdir()
    rejects = [Reject("c", "detect", "invalid_image", ""), Reject("d", "detect", "invalid_image", "")]
    write_rejects(tmp_path / "rejects" / "00000.jsonl", rejects)
    found = statistics(tmp_path)
    assert found.table_row() == (2, 1 + 3, 1 + 2, (7 + 2 + 1) / 3)
    assert found.expanded_share == pytest.approx(1 / 3)
    assert found.boxes_a_picture == 2
    assert found.summary()["rejected"] == [{"stage": "detect", "code": "invalid_image", "pairs": 2}]


def test_a_folder_without_tables_is_refused(tmp_path):
    with pytest.raises(InvalidArgumentError, match="holds no parquet files"):
        statistics(tmp_path)
