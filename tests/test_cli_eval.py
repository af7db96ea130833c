"""`kosmos-agent eval tabletop` as a user types it, on the shipped weights."""

import json
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
from eval_command import evaluate

from kosmos_agent.cli import _eval
from kosmos_agent.evaluation.label_folder import LABELS_FILE, write_pictures
from kosmos_agent.evaluation.labelled import (
    LabelledPhrase,
    LabelledPicture,
    LabelledQuestion,
    LabelledRegion,
    LabelledThing,
    PictureLabels,
)
from kosmos_agent.results import Box

BOX = Box(x1=0.2, y1=0.3, x2=0.6, y2=0.8)
FIGURES = (
    "presence_auroc",
    "false_found_rate",
    "missed_rate",
    "asked_rate",
    "needlessly_asked_rate",
    "ece",
    "plural_f1",
    "describe_accuracy",
    "caption_f1",
    "question_accuracy",
)


def picture(number):
    rgb = np.full((120, 160, 3), 170, np.uint8)
    rgb[36:96, 32:96] = (200, 40, 40)
    labels = PictureLabels(
        f"{number}.png",
        (
            LabelledPhrase("the red block", "attribute", (BOX,)),
            LabelledPhrase("the blocks", "plural", (BOX, Box(x1=0.7, y1=0.3, x2=0.9, y2=0.8))),
            LabelledPhrase("the blue banana", "absent", ()),
        ),
        (LabelledRegion(BOX, "red", "block"),),
        (LabelledThing(BOX, "red", "block", True),),
        (LabelledQuestion("Is there a red block?", "is there", ("yes",)),),
        (LabelledPhrase("the block", "ambiguous", (BOX, Box(x1=0.7, y1=0.3, x2=0.9, y2=0.8))),),
    )
    return LabelledPicture(rgb, labels)


@pytest.fixture
def folder(tmp_path):
    write_pictures(tmp_path / "pictures", map(picture, range(2)))
    return tmp_path / "pictures"


@pytest.fixture
def run(capsys):
    return partial(evaluate, capsys, "tabletop")


def test_a_folder_gives_every_figure_as_the_last_line(run, folder, tmp_path):
    code, out, _ = run("--images", folder, "--threads", 1, "--report", tmp_path / "report", "--json")
    report = json.loads(out.splitlines()[-1])
    assert code == 0
    for name in FIGURES:
        assert 0 <= report[name] <= 1
    assert (report["n"], report["n_plural"], report["n_absent"], report["scenes"]) == (2, 2, 2, 2)
    assert (report["n_described"], report["n_captions"], report["n_questions"]) == (2, 2, 2)
    assert (report["model"], report["images"], report["look"], report["split"]) == ("tabletop", str(folder), None, None)
    assert report["files"]
    assert {str(path) for path in (tmp_path / "report").iterdir()} == set(report["files"])


def test_the_table_shows_the_same_figures_and_scenes_bounds_them(run, folder):
    report = json.loads(run("--images", folder, "--scenes", 1, "--json")[1])
    assert (report["scenes"], report["n"], report["files"]) == (1, 1, [])
    code, out, _ = run("--images", folder, "--scenes", 1)
    assert code == 0
    for words in ("F1 of boxes", "AUROC", "absent, but found", "calibration", "descriptions", "captions", "questions"):
        assert words in out
    assert f"{report['describe_accuracy']:.3f}" in out


def test_a_look_is_a_folder_at_its_place(run, folder, monkeypatch):
    (folder / "mitsuba").mkdir()
    (folder / "0.png").rename(folder / "mitsuba" / "0.png")
    lines = (folder / LABELS_FILE).read_text().splitlines()
    (folder / "mitsuba" / LABELS_FILE).write_text(lines[0])
    monkeypatch.setattr(_eval, "LOOKS", folder)
    report = json.loads(run("--look", "mitsuba", "--json")[1])
    assert (report["look"], report["split"], report["scenes"]) == ("mitsuba", None, 1)
    code, out, err = run("--look", "other")
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert "--look other: its pictures are not here" in err
    assert "valid" in err


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--images", "x", "--look", "mitsuba"), "two sources"),
        (("--images", "x", "--split", "test"), "--split test is of rendered scenes"),
        (("--look", "other", "--split", "validation"), "valid: --look rendered"),
        (("--images", "x"), "no labels.jsonl in x"),
        (("--look", "painted"), "painted"),
    ],
)
def test_sources_that_are_none_are_one_line(run, words, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    code, out, err = run(*words)
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    assert part in err


def test_malformed_labels_and_report_folders_are_one_line_before_a_model_is_loaded(run, folder, tmp_path):
    report = tmp_path / "file"
    report.write_text("no folder")
    code, _, err = run("--images", folder, "--report", report, "--model", "no-such-model")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "--report" in err
    with (folder / LABELS_FILE).open("a") as file:
        file.write('{"image": "0.png", "phrases": [{"text": "cup"}]}\n')
    code, _, err = run("--images", folder, "--model", "no-such-model")
    assert (code, len(err.splitlines())) == (2, 1)
    assert "line 3" in err


def test_a_folder_needs_neither_the_simulation_nor_matplotlib(folder):
    code = (
        "import sys; sys.modules.update(mujoco=None, matplotlib=None, kosmos_sim=None);"
        f"from kosmos_agent.cli.app import main; words = ['eval', 'tabletop', '--images', {str(folder)!r}, '--json'];"
        "assert main(words) == 0; sys.exit(main([*words, '--report', 'x']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert json.loads(done.stdout.splitlines()[-1])["n"] == 2
    assert "pip install 'kosmos-agent[train]'" in done.stderr
