"""`kosmos-agent eval labels`: the figures of `eval tabletop`, from records that are kept and go on."""

import os
from functools import partial
from pathlib import Path

import pytest
from eval_command import evaluate, report_of
from test_cli_eval import picture

from kosmos_agent.cli import _labels
from kosmos_agent.evaluation.asking.labels import AskedLabels, LabelRecord
from kosmos_agent.evaluation.label_folder import LABELS_FILE, read_labels, write_pictures


@pytest.fixture
def folder(tmp_path):
    write_pictures(tmp_path / "pictures", map(picture, range(3)))
    return tmp_path / "pictures"


@pytest.fixture
def run(capsys):
    return partial(evaluate, capsys)


def test_the_figures_are_those_of_tabletop_whether_in_one_go_or_two(run, folder, tmp_path):
    plain = report_of(run("tabletop", "--images", folder, "--json"))
    words = ("labels", "--data", folder, "--out", tmp_path / "out", "--json")
    assert report_of(run(*words, "--pictures", 1))["pictures"] == 1
    report = report_of(run(*words))
    own = {"look", "split", "images", "scenes", "model", "seconds", "files"}
    assert {name: report[name] for name in plain if name not in own} == {
        name: value for name, value in plain.items() if name not in own
    }
    assert [path.split("/")[-1] for path in report["files"]] == ["records.jsonl", "report.json", "index.html"]
    assert len((tmp_path / "out" / "records.jsonl").read_text().splitlines()) == 4


def test_records_hold_nothing_that_another_run_would_give_otherwise(run, folder, tmp_path):
    files = []
    for name in ("one", "two"):
        assert run("labels", "--data", folder, "--out", tmp_path / name)[0] == 0
        files.append((tmp_path / name / "records.jsonl").read_bytes())
    assert files[0] == files[1]


def test_a_rendered_split_is_drawn_once(run, tmp_path, monkeypatch):
    from kosmos_agent.cli import _rendered

    drawn = []

    def split_pictures(name, scenes):
        drawn.append((name, scenes))
        return iter([picture(number) for number in range(2)]), 2

    monkeypatch.setattr(_rendered, "split_pictures", split_pictures)
    words = ("labels", "--split", "test", "--out", tmp_path / "out", "--json")
    (tmp_path / "out" / "scenes" / "test.part").mkdir(parents=True)
    (tmp_path / "out" / "scenes" / "test.part" / LABELS_FILE).write_text("half of a line")
    report = report_of(run(*words))
    assert (report["pictures"], report["split"]) == (2, "test")
    again = report_of(run(*words))
    assert {**again, "seconds": 0} == {**report, "seconds": 0}
    assert drawn == [("test", None)]
    assert [item.image for item in read_labels(tmp_path / "out" / "scenes" / "test")] == ["0.png", "1.png"]


def test_drawn_pictures_are_kept_without_loss():
    one = picture(7)
    jpeg = type(one)(one.rgb, type(one.labels)("7.jpg", one.labels.phrases))
    (kept,) = _labels.lossless(iter([jpeg]))
    assert (kept.labels.image, kept.labels.phrases) == ("7.png", one.labels.phrases)
    assert kept.rgb is one.rgb


@pytest.mark.parametrize(
    ("words", "part"),
    [
        ((), "needs --data or --split"),
        (("--data", "x", "--split", "test"), "takes one of them"),
        (("--split", "test"), "--split test is drawn into a folder; valid with --out"),
        (("--data", "{tmp}"), "no labels.jsonl in"),
        (("--data", "{tmp}", "--workers", "2"), "--workers: of Ray; valid with --engine ray"),
    ],
)
def test_mistakes_of_the_user_are_one_line(run, words, part, tmp_path):
    code, out, err = run("labels", *(word.format(tmp=tmp_path) for word in words))
    assert (code, out) == (2, "")
    assert part in err


@pytest.mark.slow  # Ray takes seconds to start
def test_two_workers_on_ray_keep_the_same_records(run, folder, tmp_path):
    ray = pytest.importorskip("ray", reason="needs the extra [scale]")
    path = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    ray.init(num_cpus=2, include_dashboard=False, log_to_driver=False, runtime_env={"env_vars": {"PYTHONPATH": path}})
    try:
        words = ("labels", "--data", folder, "--threads", 1)
        local = report_of(run(*words, "--out", tmp_path / "local", "--json"))
        remote = report_of(run(*words, "--engine", "ray", "--out", tmp_path / "ray", "--json"))
    finally:
        ray.shutdown()
    records = [(tmp_path / name / "records.jsonl").read_bytes() for name in ("local", "ray")]
    assert records[0] == records[1]
    own = {"seconds", "files"}
    assert {k: v for k, v in local.items() if k not in own} == {k: v for k, v in remote.items() if k not in own}


def test_the_asker_names_what_records_depend_on():
    assert AskedLabels().settings == {"protocol": "view"}
    assert set(LabelRecord.__dataclass_fields__) >= {"labels", "answers"}
