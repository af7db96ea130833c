"""What opening a source found is kept and used again, until its files, the tokenizer or the rows change."""

import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_kosmos import TOKENIZER
from training_data import write_everything, write_tar

from kosmos_agent.grit.table import read_table, write_table
from kosmos_agent.training.recipe.models import DataSection
from kosmos_agent.training.sources.context import Context
from kosmos_agent.training.sources.index import Found, Index
from kosmos_agent.training.sources.opening import open_source


def opened(folder, kind, path, **changes):
    context = Context(TOKENIZER, slots=4, size_px=28, row_tokens=96, fit="crop", seed=3, index=Index(folder / "index"))
    return open_source(DataSection(kind=kind, path=path, per_step=1), folder, replace(context, **changes))


def aged(folder):
    """The index files, made to look old, so that one that is written anew shows."""
    files = list((folder / "index").iterdir())
    for file in files:
        os.utime(file, ns=(1, 1))
    return files


@pytest.mark.parametrize(("kind", "path"), [("text", "text.jsonl"), ("captions", "grit"), ("grounded", "grit")])
def test_the_second_opening_reads_what_the_first_found(tmp_path, kind, path):
    write_everything(tmp_path)
    plain = opened(tmp_path, kind, path, index=Index())
    assert not (tmp_path / "index").exists()
    opened(tmp_path, kind, path)
    (file,) = aged(tmp_path)
    again = opened(tmp_path, kind, path)
    assert file.stat().st_mtime_ns == 1
    assert len(again) == len(plain)
    for number in range(len(plain)):
        assert again.sample(number).ids.tolist() == plain.sample(number).ids.tolist()


def test_other_rows_and_changed_files_are_gone_through_again(tmp_path):
    write_everything(tmp_path)
    before = len(opened(tmp_path, "text", "text.jsonl"))
    (file,) = aged(tmp_path)
    assert len(opened(tmp_path, "text", "text.jsonl", row_tokens=24)) > before
    assert file.stat().st_mtime_ns != 1
    aged(tmp_path)
    with (tmp_path / "text.jsonl").open("a") as lines:
        lines.write('{"words": 1}\n' + json.dumps({"text": "the red cup " * 20}) + "\n")
    told = []
    grown = opened(tmp_path, "text", "text.jsonl", on_reject=lambda *facts: told.append(str(facts[2])))
    assert len(grown) > before
    assert len(told) == 1
    opened(tmp_path, "text", "text.jsonl", on_reject=lambda *facts: told.append(str(facts[2])))
    assert told[0] == told[1], "told at every start"


def test_a_shard_with_more_pairs_is_counted_anew(tmp_path):
    write_everything(tmp_path)
    before = len(opened(tmp_path, "captions", "grit"))
    shard = tmp_path / "grit" / "00000"
    for suffix in ("png", "txt"):
        (shard / f"000000099.{suffix}").write_bytes((shard / f"000000000.{suffix}").read_bytes())
    assert len(opened(tmp_path, "captions", "grit")) == before + 1


def test_two_kinds_over_one_folder_keep_their_own_counts(tmp_path):
    """Pairs whose boxes are in their JSON, so that no table says which of them count."""
    write_everything(tmp_path)
    table = tmp_path / "grit" / "00000.parquet"
    content = table.read_bytes()
    write_table(table, list(read_table(table))[:5])
    kinds = ("grounded", "captions", "referring")
    assert [len(opened(tmp_path, kind, "grit")) for kind in kinds] == [5, 8, 5]
    files = aged(tmp_path)
    assert len(files) == 2, "grounded and referring pairs count the same"
    assert [len(opened(tmp_path, kind, "grit")) for kind in kinds] == [5, 8, 5]
    assert all(file.stat().st_mtime_ns == 1 for file in files)
    table.unlink()
    assert [len(opened(tmp_path, kind, "grit")) for kind in kinds] == [8, 8, 8]
    table.write_bytes(content)


def test_that_a_tar_breaks_off_is_told_once_at_each_start(tmp_path):
    (tmp_path / "pairs").mkdir()
    write_tar(tmp_path / "pairs" / "00000.tar", 2)
    write_tar(tmp_path / "pairs" / "00001.tar", 3, cut=300)
    starts = []
    for _ in range(2):
        told = []
        source = opened(tmp_path, "captions", "pairs", on_reject=lambda *facts, told=told: told.append(str(facts[2])))
        for number in range(2 * len(source)):
            source.sample(number)
        starts.append(told)
    assert starts[0] == starts[1]
    assert [note.split(":")[0] for note in starts[0]] == [f"0000{n}.tar is no whole tar file" for n in (0, 1)]


def test_a_broken_index_is_made_anew(tmp_path):
    index = Index(tmp_path)
    calls = []

    def find():
        calls.append(1)
        return Found({"counts": np.array([3, 4])}, ("one is broken",))

    for content in (None, b"", b"PK\x03\x04 cut off"):
        for file in tmp_path.iterdir() if content is not None else ():
            Path(file).write_bytes(content)
        found = index.found("a", {"size": 1}, find)
        assert (found.numbers["counts"].tolist(), found.notes) == ([3, 4], ("one is broken",))
    assert len(calls) == 3
    index.found("a", {"size": 1}, find)
    assert len(calls) == 3
    index.found("a", {"size": 2}, find)
    assert len(calls) == 4
