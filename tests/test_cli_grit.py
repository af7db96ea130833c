"""`kosmos-agent grit` from the command line, with the embedded model and the simulation's own pairs."""

import json

import pytest
from grit_parts import write_sample
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
    printed = capsys.readouterr().out
    assert all(figure in printed for figure in ("90,614,680", "275,775", "4,102,818", "8.43"))
    assert report["paper"]["RefCOCO"] == {
        "images": 19_994, "objects": 50_000, "text_spans": 142_209, "mean_expression_words": 3.61
    }  # fmt: skip
    assert report["paper"]["Visual Genome"]["text_spans"] is None


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


def test_a_pair_whose_span_splits_a_token_is_told_and_the_rest_is_read(tmp_path, capsys):
    for key, start, end in (("a", 0, 9), ("b", 3, 8), ("c", 0, 9)):
        row = [start, end, 0.2, 0.2, 0.6, 0.6, 0.9]
        facts = {"caption": "a red cup", "width": 64, "height": 48, "noun_chunks": [row], "ref_exps": [row]}
        write_sample(tmp_path / "0", key, "a red cup", facts=facts)
    assert main(["grit", "read", str(tmp_path), "--count", "2", "--json"]) == 0
    printed = capsys.readouterr()
    assert [json.loads(line)["key"] for line in printed.out.splitlines()] == ["a", "c"]
    assert "b set aside (split_token)" in printed.err


@pytest.mark.parametrize("options", [["--workers", "3"], ["--address", "auto"]])
def test_options_of_ray_are_refused_where_one_process_would_not_heed_them(built, capsys, options):
    assert main(["grit", "build", *places(built), "--parser", "tabletop", *options]) == 2
    assert f"{options[0]} {options[1]}" in (told := capsys.readouterr().err)
    assert "--engine ray" in told


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
