"""`kosmos-agent eval refcoco | flickr30k | vqa | language | ...` as a user types it, on a small random model."""

import json
import shutil
import sys
import types

import pytest
import torch
from benchmark_files import CUP, caption_file, entities_folder, question_files, refer_folder, referring_file
from eval_command import evaluate, report_of
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent import precision
from kosmos_agent.cli.app import main
from kosmos_agent.evaluation.reports.published import published, rows_beside
from kosmos_agent.evaluation.scores import captions
from kosmos_agent.model.checkpoint import save_model
from kosmos_agent.model.fingerprint import settings_sha256


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "small"
    save_model(tiny_model(location_gain=1.6), path, tokenizer=TOKENIZER)
    return path


@pytest.fixture
def run(capsys, model):
    def call(*words):
        return evaluate(capsys, *words, "--model", model)

    return call


def test_phrases_give_figures_records_and_a_page_and_are_not_asked_again(run, tmp_path, monkeypatch):
    data, out = referring_file(tmp_path / "data"), tmp_path / "out"
    words = ("refcoco", "--data", data, "--most-tokens", 8, "--out", out, "--json")
    report = report_of(run(*words))
    assert (report["n"], report["pictures"], report["benchmark"], report["split"]) == (2, 2, "refcoco", "val")
    assert 0 <= report["accuracy_iou50"] <= report["best_box_iou50"] <= 1
    assert {row["model"] for row in report["published"]} >= {"Kosmos-2", "Florence-2-base"}
    assert [path.split("/")[-1] for path in report["files"]] == ["records.jsonl", "report.json", "index.html"]
    assert json.loads((out / "report.json").read_text())["accuracy_iou50"] == report["accuracy_iou50"]
    records = (out / "records.jsonl").read_bytes()
    assert len(records.splitlines()) == 3
    monkeypatch.setattr("kosmos_agent.cli._public_run.load_grounder", lambda _: pytest.fail("loads a model again"))
    again = report_of(run(*words))
    assert {**again, "seconds": 0} == {**report, "seconds": 0}
    assert (out / "records.jsonl").read_bytes() == records


def test_changed_data_settings_or_model_are_refused_and_nothing_is_lost(run, tmp_path):
    folder, out = tmp_path / "data", tmp_path / "out"
    words = ("refcoco", "--data", referring_file(folder), "--most-tokens", 4, "--out", out)
    run(*words)
    before = (out / "records.jsonl").read_bytes()
    code, _, err = run(*words, "--grammar")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "asked was" in err
    referring_file(folder, expressions=(("the cup", CUP),))
    code, _, err = run(*words)
    assert code == 2
    assert "data was" in err
    assert (out / "records.jsonl").read_bytes() == before


def test_threads_and_number_type_that_were_left_open_are_held_to(run, tmp_path):
    """The last digits depend on both; what a worker on Ray has by itself may be another number."""
    out = tmp_path / "out"
    words = ("refcoco", "--data", referring_file(tmp_path / "data"), "--most-tokens", 4, "--out", out)
    run(*words)
    made_of = json.loads((out / "records.jsonl").read_text().splitlines()[0])
    assert (made_of["threads"], made_of["dtype"]) == (torch.get_num_threads(), "float32")
    code, _, err = run(*words, "--threads", torch.get_num_threads() + 1)
    assert code == 2
    assert f"threads was {made_of['threads']} and is now {made_of['threads'] + 1}" in err


def test_a_large_model_on_a_cpu_needs_its_number_type_named(run, tmp_path, monkeypatch):
    """What auto takes for it is timed, so that two processes of one run could take two types."""
    monkeypatch.setattr(precision, "LARGE", 1)
    out = tmp_path / "out"
    words = ("refcoco", "--data", referring_file(tmp_path / "data"), "--most-tokens", 4, "--out", out)
    code, _, err = run(*words)
    assert (code, len(err.splitlines())) == (2, 1)
    assert "valid: --dtype int8, bfloat16 or float32" in err
    assert not out.exists()
    assert run(*words, "--dtype", "float32")[0] == 0


def test_another_calibration_beside_the_same_weights_is_another_model(model, tmp_path):
    copy, out = tmp_path / "copy", tmp_path / "out"
    shutil.copytree(model, copy)
    data = referring_file(tmp_path / "data")
    words = ("eval", "refcoco", "--data", str(data), "--most-tokens", "4", "--out", str(out), "--model", str(copy))
    assert main(list(words)) == 0
    before = settings_sha256(copy)
    (copy / "notes.json").write_text("{}")
    assert settings_sha256(copy) != before
    assert main(list(words)) == 2


@pytest.mark.parametrize("words", [("--model", "no-such-model"), ("--device", "cuda:1")])
def test_what_no_worker_could_load_is_said_before_ray_is_started(run, tmp_path, monkeypatch, words):
    pytest.importorskip("ray", reason="needs the extra [scale]")
    monkeypatch.setattr("kosmos_agent.evaluation.batch.on_ray.connect", lambda *_: pytest.fail("Ray was started"))
    data = referring_file(tmp_path)
    code = main(["eval", "refcoco", "--data", str(data), "--engine", "ray", *words])
    assert code == 2


def test_the_table_puts_published_figures_beside_ours(run, tmp_path):
    data = referring_file(tmp_path, "finetune_refcoco+_testA.json")
    code, out, _ = run("refcoco+", "--data", data.parent, "--split", "testA", "--most-tokens", 4)
    assert code == 0
    for words in ("this run", "Kosmos-2", "50.7", "zero-shot", "Published figures are of the public data"):
        assert words in " ".join(out.split())


def test_flickr_by_entities_and_by_view(run, tmp_path):
    data = entities_folder(tmp_path)
    report = report_of(run("flickr30k", "--data", data, "--most-tokens", 6, "--json"))
    assert (report["n"], report["left_out"]) == (3, 1)
    assert set(report["by_kind"]) == {"people", "clothing", "other"}
    view = report_of(run("flickr30k", "--data", data, "--protocol", "view", "--no-zoom", "--json"))
    assert view["asked"] == {"protocol": "view", "zoom": False}
    assert view["recall_at_10"] >= view["recall_at_5"] >= view["recall_at_1"]


def test_answers_to_questions_and_what_a_server_would_take(run, tmp_path):
    questions, annotations = question_files(tmp_path)
    report = report_of(run("vqa", "--data", questions, "--annotations", annotations, "--json"))
    assert (report["n"], report["n_refused"]) == (2, 1)
    out = tmp_path / "out"
    report = report_of(run("vqa", "--data", questions, "--split", "test-dev", "--out", out, "--json"))
    assert (report["accuracy"], report["n_unanswered"]) == (None, 2)
    results = json.loads((out / "results.json").read_text())
    assert [item["question_id"] for item in results] == [1, 2]
    assert str(out / "results.json") in report["files"]


@pytest.mark.slow
@pytest.mark.skipif(captions.shutil.which("java") is None, reason="the caption scores run on Java")
def test_captions_and_regions(run, tmp_path):
    report = report_of(run("caption", "--data", caption_file(tmp_path / "c"), "--json"))
    assert (report["n"], report["left_out"]) == (2, 1)
    assert report["cider"] >= 0
    report = report_of(run("reg", "--data", refer_folder(tmp_path / "r"), "--shots", 1, "--json"))
    assert (report["n"], report["asked"]["shots"]) == (2, 1)


def test_caption_scores_are_looked_for_before_anything_is_asked(run, tmp_path, monkeypatch):
    monkeypatch.setattr(captions.shutil, "which", lambda _: None)
    for words in (("caption", "--data", "no.json"), ("reg", "--data", "no")):
        code, _, err = run(*words)
        assert (code, len(err.splitlines())) == (2, 1)
        assert "java is not on the PATH" in err


def test_local_multiple_choice(run, tmp_path):
    path = tmp_path / "piqa.jsonl"
    path.write_text(json.dumps({"context": "the", "choices": ["cup", "box"], "answer": 0}) + "\n")
    report = report_of(run("language", "--data", path, "--out", tmp_path / "out", "--json"))
    assert (report["n"], report["split"]) == (1, "piqa")
    assert [row["percent"]["piqa"]["accuracy"] for row in report["published"]] == [73.2, 72.9, 72.9]
    code, out, _ = run("language", "--data", path)
    assert code == 0
    assert "per byte" in out


def test_the_first_questions_alone_and_then_the_rest(run, tmp_path):
    path, out = tmp_path / "piqa.jsonl", tmp_path / "out"
    line = json.dumps({"context": "the", "choices": ["cup", "box"], "answer": 0}) + "\n"
    path.write_text(line * 3)
    words = ("language", "--data", path, "--out", out, "--json")
    assert report_of(run(*words, "--limit", 1))["n"] == 1
    assert report_of(run(*words))["n"] == 3
    code, _, err = run(*words, "--limit", 2)
    assert code == 2
    assert "valid: a larger --limit" in err


@pytest.fixture
def harness(monkeypatch):
    """What the adapter of lm-evaluation-harness gives back, without that package."""
    module = types.ModuleType("kosmos_agent.evaluation.language.harness")
    module.harness_figures = lambda grounder, names, limit: {name: {"accuracy": 1 / limit} for name in names}
    monkeypatch.setitem(sys.modules, module.__name__, module)


@pytest.mark.usefixtures("harness")
def test_tasks_of_the_harness_are_a_table_json_or_a_file(run, tmp_path):
    words = ("language", "--tasks", "piqa, boolq", "--limit", 2)
    out = tmp_path / "out"
    report = report_of(run(*words, "--out", out, "--json"))
    assert json.loads((out / "report.json").read_text()) == report
    assert (report["limit"], report["files"]) == (2, [str(out / "report.json")])
    assert report["tasks"]["piqa"]["accuracy"] == 0.5
    assert report["tasks"]["piqa"]["published"]["Kosmos-2"] == 72.9
    code, table, _ = run(*words)
    assert code == 0
    assert "piqa" in table
    assert "Kosmos-2 72.9" in " ".join(table.split())


def test_the_harness_is_named_where_it_is_absent(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "lm_eval", None)
    monkeypatch.delitem(sys.modules, "kosmos_agent.evaluation.language.harness", raising=False)
    code, _, err = run("language", "--tasks", "piqa")
    assert code == 2
    assert "lm_eval is not installed; this command needs: pip install 'kosmos-agent[language]'" in err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("refcoco", "--data", "{tmp}/none"), "cannot be read"),
        (("refcoco", "--data", "{tmp}"), "holds no finetune_refcoco_val.json"),
        (("flickr30k", "--data", "{tmp}"), "final_flickr_separateGT_test.json"),
        (("refcoco", "--data", "{data}", "--images", "{tmp}/none"), "is no folder of pictures"),
        (("refcoco", "--data", "{data}", "--images", "{tmp}"), "no picture 'a.png'"),
        (("refcoco", "--data", "{data}", "--address", "x:1"), "valid with --engine ray"),
        (("refcoco", "--data", "{data}", "--out", "{data}"), "--out"),
        (("ref-l4", "--data", "{tmp}"), "ref-l4-test.parquet cannot be read"),
        (("language",), "needs --data or --tasks"),
        (("language", "--data", "x", "--tasks", "piqa"), "takes one of them"),
        (
            ("language", "--tasks", "piqa", "--mistakes", "3", "--name", "x"),
            "--name, --mistakes: of a file of questions",
        ),
        (("refcoco", "--data", "{data}", "--workers", "3"), "--workers: of Ray; valid with --engine ray"),
    ],
)
def test_mistakes_of_the_user_are_one_line(run, words, part, tmp_path):
    places = {"data": referring_file(tmp_path / "data"), "tmp": tmp_path}
    code, out, err = run(*(word.format(**places) for word in words))
    assert (code, out) == (2, "")
    lines = [line for line in err.splitlines() if line.startswith("kosmos-agent:")]
    assert len(lines) == 1
    assert part in lines[0]


def test_ray_is_named_where_it_is_absent(run, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, "kosmos_agent.evaluation.batch.on_ray", raising=False)
    code, _, err = run("refcoco", "--data", referring_file(tmp_path), "--engine", "ray")
    assert code == 2
    assert "pip install 'kosmos-agent[scale]'" in err


def test_published_rows_are_those_of_the_paper():
    """Spot checks of the tables, and that every benchmark has its own."""
    referring = {"refcoco", "refcoco+", "refcocog", "ref-l4", "flickr30k"}
    assert set(published()) == referring | {"reg", "caption", "vqa", "language"}
    kosmos = {row.model: row for row in rows_beside("refcocog", "test")}["Kosmos-2"]
    assert (kosmos.percent["test"]["accuracy_iou50"], kosmos.zero_shot) == (61.65, True)
    assert all(row.percent for rows in published().values() for row in rows)
    assert rows_beside("refcoco", "testB") != rows_beside("refcoco", "of my own")
    assert all("testB" in row.percent for row in rows_beside("refcoco", "testB"))
