"""Records on disk: resumed where a run stopped, refused where it was another run, never half a picture."""

import json
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from pydantic.dataclasses import dataclass

from kosmos_agent.errors import ChangedRunError
from kosmos_agent.evaluation.batch.journal import RECORDS_FILE, Journal
from kosmos_agent.evaluation.batch.run import by_picture, run
from kosmos_agent.evaluation.benchmarks.samples import Sample

SAMPLES = [Sample("1", "a"), Sample("2", "b"), Sample("3", "a"), Sample("4", "c"), Sample("5", "c")]
MADE_OF = {"model": "m", "data": "d"}


@dataclass(frozen=True)
class Record:
    id: str
    text: str = ""


ADAPTER = TypeAdapter(Record)
PICTURES = by_picture(SAMPLES, Path)


class Answering:
    """Counts what it is asked, and breaks down before picture number `breaks`."""

    def __init__(self, breaks=99):
        self.breaks, self.asked = breaks, []

    def __call__(self, pictures):
        for number, picture in enumerate(pictures):
            if number == self.breaks:
                raise KeyboardInterrupt
            self.asked.append(picture.path.name)
            yield [Record(sample.id, f"said of {sample.image}") for sample in picture.samples]


def journal(folder, **changed):
    return Journal(folder / RECORDS_FILE, ADAPTER, {**MADE_OF, **changed})


def test_samples_of_a_picture_stand_together_in_the_order_of_the_first():
    assert [(p.path.name, [s.id for s in p.samples]) for p in PICTURES] == [
        ("a", ["1", "3"]),
        ("b", ["2"]),
        ("c", ["4", "5"]),
    ]


def test_a_run_that_was_stopped_goes_on_where_it_was(tmp_path):
    first, second, done = Answering(breaks=2), Answering(), []
    with pytest.raises(KeyboardInterrupt):
        run(PICTURES, first, journal(tmp_path))
    records = run(PICTURES, second, journal(tmp_path), done.append)
    assert (first.asked, second.asked) == (["a", "b"], ["c"])
    assert done == [2, 1]
    (tmp_path / "other").mkdir()
    whole = run(PICTURES, Answering(), journal(tmp_path / "other"))
    assert records == whole
    assert (tmp_path / RECORDS_FILE).read_bytes() == (tmp_path / "other" / RECORDS_FILE).read_bytes()


def test_a_finished_run_asks_nothing(tmp_path):
    records = run(PICTURES, Answering(), journal(tmp_path))
    again = Answering()
    assert run(PICTURES, again, journal(tmp_path)) == records
    assert again.asked == []


@pytest.mark.parametrize("cut", range(1, 120, 7))
def test_wherever_a_file_is_torn_the_result_is_the_same(cut, tmp_path):
    whole = run(PICTURES, Answering(), journal(tmp_path))
    path = tmp_path / RECORDS_FILE
    data = path.read_bytes()
    header = data.index(b"\n") + 1
    path.write_bytes(data[: max(header, len(data) - cut)])
    assert run(PICTURES, Answering(), journal(tmp_path)) == whole
    assert path.read_bytes() == data


def test_another_model_or_other_data_are_refused_by_name(tmp_path):
    run(PICTURES, Answering(), journal(tmp_path))
    with pytest.raises(ChangedRunError, match="model was 'm' and is now 'other'; valid: the same run"):
        journal(tmp_path, model="other")
    with pytest.raises(ChangedRunError, match="data was 'd'"):
        journal(tmp_path, data="x")
    assert len(journal(tmp_path).records) == len(SAMPLES)


def test_records_of_other_samples_are_refused(tmp_path):
    run(PICTURES, Answering(), journal(tmp_path))
    others = by_picture([Sample("9", "a"), Sample("2", "b")], Path)
    with pytest.raises(ChangedRunError, match="record 1 is of '1', not '9'"):
        run(others, Answering(), journal(tmp_path))
    with pytest.raises(ChangedRunError, match="holds more records than the 3 asked for"):
        run(PICTURES[:2], Answering(), journal(tmp_path))


@pytest.mark.parametrize("line", ["{}", "no json", json.dumps({"id": 1, "more": [1]})])
def test_a_line_that_is_no_record_is_named(line, tmp_path):
    run(PICTURES[:1], Answering(), journal(tmp_path))
    with (tmp_path / RECORDS_FILE).open("a") as file:
        file.write(line + "\n")
    with pytest.raises(ChangedRunError, match="line 4 is no record"):
        journal(tmp_path)


def test_a_text_may_hold_any_mark_that_ends_a_line(tmp_path):
    odd = Record("1", "a\u2028b\x85c\r\nd\x0be")
    journal(tmp_path).add([odd])
    assert journal(tmp_path).records == [odd]


def test_a_file_of_somebody_else_is_left_alone(tmp_path):
    (tmp_path / RECORDS_FILE).write_text("something\nelse\n")
    with pytest.raises(ChangedRunError, match="does not say what it was made of"):
        journal(tmp_path)
    assert (tmp_path / RECORDS_FILE).read_text() == "something\nelse\n"
