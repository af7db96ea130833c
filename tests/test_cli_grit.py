"""`kosmos-agent grit` from the command line, with the embedded model and the simulation's own pairs."""

import json

import pytest
from kosmos_sim.pairs import TRAINING_SET, write_shard

from kosmos_agent.cli.app import main


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    root = tmp_path_factory.mktemp("grit")
    write_shard(root / "pairs", 0, 4, TRAINING_SET, 160, tar=False)
    assert main(["grit", "build", *places(root), "--parser", "tabletop"]) == 0
    return root


def places(root):
    return ["--pairs", str(root / "pairs"), "--out", str(root / "grit")]


def last_json(capsys):
    return json.loads(capsys.readouterr().out.splitlines()[-1])


def test_a_finished_folder_has_nothing_left_to_do(built, capsys):
    assert main(["grit", "build", *places(built), "--parser", "tabletop", "--json"]) == 0
    report = last_json(capsys)
    assert (report["pairs"], report["shards"]) == (0, 0)


def test_statistics_and_rejects_add_up_to_the_pairs(built, capsys):
    assert main(["grit", "stats", str(built / "grit"), "--json"]) == 0
    report = last_json(capsys)
    assert report["images"] + sum(item["pairs"] for item in report["rejected"]) == 4
    assert report["objects"] >= report["text_spans"] >= report["images"] > 0
    assert main(["grit", "stats", str(built / "grit")]) == 0
    assert "90,614,680" in capsys.readouterr().out


def test_the_page_is_written(built, capsys):
    page = built / "page.html"
    assert main(["grit", "show", str(built / "grit"), "--out", str(page), "--count", "2"]) == 0
    assert page.read_text(encoding="utf-8").count("<figure>") == 2
    assert "2 samples" in capsys.readouterr().out


def test_what_training_reads_is_printed(built, capsys):
    assert main(["grit", "read", str(built / "grit"), "--count", "1", "--json"]) == 0
    row = last_json(capsys)
    assert row["text"].startswith("<grounding>")
    assert "<object><patch_index_" in row["text"]
    assert len(row["ids"]) == row["tokens"]


def test_a_spacy_pipeline_that_is_absent_is_named_before_any_work(built, capsys):
    arguments = ["--pairs", str(built / "pairs"), "--out", str(built / "none"), "--parser", "en_core_web_none"]
    assert main(["grit", "build", *arguments]) == 2
    assert "python -m spacy download en_core_web_none" in capsys.readouterr().err
    assert not (built / "none").exists()


def test_an_unknown_detector_is_named_with_what_is_valid(built, capsys):
    arguments = ["--pairs", str(built / "pairs"), "--out", str(built / "other"), "--parser", "tabletop"]
    assert main(["grit", "build", *arguments, "--detector", str(built / "nowhere")]) == 2
    assert "nowhere" in capsys.readouterr().err


def test_another_recipe_for_the_same_folder_is_refused(built, capsys):
    assert main(["grit", "build", *places(built), "--parser", "tabletop", "--min-score", "0.5"]) == 2
    assert "another recipe" in capsys.readouterr().err
