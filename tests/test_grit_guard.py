"""A pair at which a process ends or fails as nobody foresaw is set aside; a stage that is broken ends the run."""

import importlib
import os
import subprocess
import sys

import pytest

from kosmos_agent.grit.attempts import Attempts
from kosmos_agent.grit.errors import InvalidCaptionError, InvalidRecordError, PipelineError
from kosmos_agent.grit.guard import Guard
from kosmos_agent.grit.rejects import Reject

DYING = """
import os, sys
from pathlib import Path
from kosmos_agent.grit.attempts import Attempts
from kosmos_agent.grit.guard import Guard

def end():
    os._exit(3)

folder, key, broken = sys.argv[1:]
Guard(Attempts(Path(folder)), "detect", end if broken == "broken" else None).run("00000", 4, key, end)
"""


def end_a_process(folder, key="dog", probe="well"):
    done = subprocess.run(
        [sys.executable, "-c", DYING, str(folder), key, probe],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return done.returncode


def guard(folder, probe=None):
    return Guard(Attempts(folder), "detect", probe)


def left(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def write_line(folder, index, key):
    """As a process does when it begins."""
    (folder / "00000").mkdir(exist_ok=True)
    with (folder / "00000" / f"{index}.detect").open("a") as file:
        file.write(f'"{key}"\n')


def fail(error):
    raise error


def test_work_that_ends_leaves_no_mark(tmp_path):
    seen = []
    assert guard(tmp_path).run("00000", 4, "dog", lambda: seen.append(left(tmp_path)) or 7) == 7
    assert seen == [["00000/4.detect"]]
    assert left(tmp_path) == []


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, PipelineError])
def test_whoever_stops_the_run_is_not_the_pair(tmp_path, stop):
    with pytest.raises(stop):
        guard(tmp_path).run("00000", 4, "dog", lambda: fail(stop("now")))
    assert left(tmp_path) == []


class Panic(BaseException):
    """As libraries in Rust raise it: no Exception."""


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (InvalidRecordError("no picture"), "invalid_record", "no picture"),
        (ZeroDivisionError("by zero"), "unexpected", "ZeroDivisionError: by zero"),
        (Panic("index out of bounds"), "unexpected", "Panic: index out of bounds"),
    ],
)
def test_what_a_pair_raises_is_its_reason(tmp_path, error, code, reason):
    done = guard(tmp_path, lambda: None).run("00000", 4, "dog", lambda: fail(error))
    assert done == Reject("dog", "detect", code, reason)


def test_a_stage_that_fails_at_a_plain_pair_too_ends_the_run(tmp_path):
    broken = guard(tmp_path, lambda: fail(RuntimeError("no memory")))
    with pytest.raises(PipelineError, match=r"dog failed with ValueError.*a plain pair fails .*no memory"):
        broken.run("00000", 4, "dog", lambda: fail(ValueError("bad")))
    assert broken.run("00000", 4, "dog", lambda: fail(InvalidRecordError("bad"))).code == "invalid_record"


def test_a_stage_that_refuses_the_plain_pair_in_words_works(tmp_path):
    refusing = guard(tmp_path, lambda: fail(InvalidCaptionError("not my language")))
    assert refusing.run("00000", 4, "dog", lambda: fail(ValueError("bad"))).code == "unexpected"


def test_a_pair_is_tried_again_after_one_death_and_set_aside_after_two(tmp_path):
    assert end_a_process(tmp_path) == 3
    assert guard(tmp_path).run("00000", 4, "dog", lambda: 7) == 7
    assert left(tmp_path) == []
    assert (end_a_process(tmp_path), end_a_process(tmp_path)) == (3, 3)
    for _ in range(2):
        done = guard(tmp_path, lambda: None).run("00000", 4, "dog", lambda: pytest.fail("it was tried"))
        assert (done.code, done.stage) == ("killed_worker", "detect")
        assert "ended 2 times" in done.reason


def test_deaths_are_those_of_one_key(tmp_path):
    for key in ("dog", "cat", "d\udcffg"):
        assert end_a_process(tmp_path, key.encode("utf-8", "surrogateescape")) == 3
    marks = Attempts(tmp_path)
    assert [marks.deaths("00000", "4.detect", key) for key in ("dog", "d\udcffg", "cow")] == [1, 1, 0]
    assert guard(tmp_path).run("00000", 4, "dog", lambda: 7) == 7


def test_a_stage_at_which_processes_end_whatever_the_pair_ends_the_run_and_starts_afresh(tmp_path):
    for _ in range(3):
        assert end_a_process(tmp_path, probe="broken") == 3
    with pytest.raises(PipelineError, match="the process ended at dog, and a plain pair fails there as well"):
        guard(tmp_path).run("00000", 4, "dog", lambda: pytest.fail("it was tried"))
    assert left(tmp_path) == []


def test_whoever_ends_a_run_takes_back_what_its_processes_are_at(tmp_path):
    """One death before the run at `dog`; in it one at `cat`, then both are begun, and `cow` too."""
    marks = Attempts(tmp_path)
    for index, key in enumerate(("dog", "cat", "cow", "owl")):
        if key in ("dog", "owl"):
            write_line(tmp_path, index, key)
    before = marks.counts()
    for index, key in ((1, "cat"), (0, "dog"), (1, "cat"), (2, "cow")):
        write_line(tmp_path, index, key)
    marks.end(before)
    found = [marks.deaths("00000", f"{index}.detect", key) for index, key in enumerate(("dog", "cat", "cow", "owl"))]
    assert found == [1, 1, 0, 1]
    with pytest.raises(PipelineError, match="the run has ended"):
        guard(tmp_path).run("00000", 5, "ant", lambda: pytest.fail("a process that was left over went on"))
    marks.begin()
    assert guard(tmp_path).run("00000", 5, "ant", lambda: 7) == 7
    marks.begin()


@pytest.mark.parametrize(
    ("error", "kept", "raised"),
    [
        ("KeyboardInterrupt", 0, KeyboardInterrupt),
        ("RaySystemError", 0, PipelineError),
        ("GeneratorExit", 0, None),
        ("WorkerCrashedError", 1, PipelineError),
    ],
)
def test_a_driver_that_leaves_its_run_blames_no_pair(tmp_path, monkeypatch, error, kept, raised):
    pytest.importorskip("ray.data", reason="needs the extra [scale]")
    ray_engine = importlib.import_module("kosmos_agent.grit.ray_engine")

    class Rows:
        def iter_rows(self):
            write_line(tmp_path, 4, "dog")
            yield {"item": 1}
            errors = ray_engine.ray.exceptions
            raise KeyboardInterrupt if error == "KeyboardInterrupt" else getattr(errors, error)("lost")

    monkeypatch.setattr(ray_engine, "connect", lambda *_: False)
    monkeypatch.setattr(ray_engine.RayEngine, "_dataset", lambda *_: Rows())
    items = ray_engine.RayEngine()(["a shard"], None, None, tmp_path)
    assert next(items) == 1
    if raised is None:
        items.close()
    else:
        with pytest.raises(raised):
            next(items)
    assert Attempts(tmp_path).deaths("00000", "4.detect", "dog") == kept


def test_a_folder_that_is_not_there_or_cannot_be_written_is_named(tmp_path):
    with pytest.raises(PipelineError, match="nowhere is no folder here"):
        Attempts(tmp_path / "nowhere")
    (tmp_path / "00000").write_text("a file where the folder of a shard should be")
    with pytest.raises(PipelineError, match="cannot be kept"):
        guard(tmp_path).run("00000", 4, "dog", lambda: 7)
