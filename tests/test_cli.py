"""The commands as a user types them, on a small model with random weights."""

import importlib
import json
import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file

from kosmos_agent.cli._load import needs
from kosmos_agent.cli.app import main
from kosmos_agent.errors import MissingDependencyError
from kosmos_agent.model.checkpoint import save_model
from kosmos_agent.model.config import ConvVisionConfig, Kosmos2Config, TextConfig
from kosmos_agent.model.kosmos2 import Kosmos2
from kosmos_agent.results import Box
from kosmos_agent.tokenizer import build_word_tokenizer

PHRASE = "the red cup"
EMBEDDING = "text_model.model.embed_tokens.weight"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.manual_seed(0)
    tokenizer = build_word_tokenizer(["the", "red", "cup", "an", "image", "of", "question", "answer"])
    text = TextConfig(tokenizer.size, 400, 32, 1, 48, 2)
    config = Kosmos2Config(text, ConvVisionConfig((4, 6, 8, 8), (0, 0, 0, 0), 8, 8, 1, 2, 64), 4)
    path = tmp_path_factory.mktemp("models") / "small"
    save_model(Kosmos2(config).eval(), path, tokenizer=tokenizer)
    return path


@pytest.fixture(scope="module")
def photo(tmp_path_factory):
    path = tmp_path_factory.mktemp("pictures") / "photo.png"
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def run(capsys):
    """Calls the command line; gives exit code, stdout, stderr."""

    def call(*words):
        code = main([str(word) for word in words])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def assert_one_clear_line(result, *parts):
    code, out, err = result
    assert code == 2
    assert out == ""
    assert err.startswith("kosmos-agent: ")
    assert len(err.splitlines()) == 1
    assert "Traceback" not in err
    for part in parts:
        assert part in err


def test_find_gives_one_json_object(run, folder, photo):
    code, out, _ = run("find", photo, PHRASE, "--model", folder, "--json")
    answer = json.loads(out)
    assert code == 0
    assert answer["phrase"] == PHRASE
    assert answer["status"] in ("found", "ambiguous", "not_found", "cannot_tell")
    assert answer["model"] == str(folder)
    assert all(milliseconds >= 0 for milliseconds in answer["timings_ms"].values())
    assert (answer["frame"]["width"], answer["frame"]["height"]) == (64, 48)
    for candidate in answer["candidates"]:
        x1, y1, x2, y2 = candidate["box"]
        Box(x1=x1, y1=y1, x2=x2, y2=y2)
        assert 0 <= candidate["probability"] <= 1


def test_find_in_words_says_the_same_as_in_json(run, folder, photo):
    answer = json.loads(run("find", photo, PHRASE, "--model", folder, "--json")[1])
    _, out, _ = run("find", photo, PHRASE, "--model", folder)
    lines = out.splitlines()
    assert lines[0].startswith(answer["status"].replace("_", " "))
    assert PHRASE in lines[0]
    assert len(lines) == 2 + len(answer["candidates"])


def test_find_all_says_that_each_box_is_a_thing(run, folder, photo, tmp_path):
    words = ("find", photo, "the cups", "--all", "--model", folder)
    answer = json.loads(run(*words, "--json", "--out", tmp_path / "all.png")[1])
    assert (answer["count"], answer["phrase"]) == ("many", "the cups")
    assert answer["candidates"]
    assert (tmp_path / "all.png").is_file()
    lines = run(*words)[1].splitlines()
    assert len(lines) == 2 + len(answer["candidates"])
    assert json.loads(run("find", photo, "the cups", "--model", folder, "--json")[1])["count"] == "one"


def test_find_writes_the_annotated_picture(run, folder, photo, tmp_path):
    out = tmp_path / "found.png"
    assert run("find", photo, PHRASE, "-m", folder, "--out", out)[0] == 0
    assert max(Image.open(out).size) >= 768


@pytest.mark.parametrize(
    "words",
    [["caption"], ["answer", "what is red?"], ["describe", "0.1", "0.2", "0.6", "0.9"]],
    ids=lambda words: words[0],
)
def test_texts_come_as_markdown_and_as_json(run, folder, photo, tmp_path, words):
    command = [words[0], photo, *words[1:], "--model", folder]
    code, plain, _ = run(*command, "--out", tmp_path / "text.png")
    data = json.loads(run(*command, "--json")[1])
    assert code == 0
    assert plain.rstrip("\n") == data["markdown"]
    assert (tmp_path / "text.png").is_file()
    for entity in data["entities"]:
        assert data["text"][entity["start"] : entity["end"]] == entity["text"]
        assert all(len(box) == 4 for box in entity["boxes"])


def test_bench_states_what_its_figures_depend_on(run, folder):
    report = json.loads(run("bench", "--model", folder, "--repeat", 3, "--json")[1])
    assert {"threads", "cpus", "load_average", "repeat"} <= report.keys()
    assert report["dtype"] == "float32", "the type that was computed in, not the word auto"
    for name in ("view", "find_1", "find_8", "new_1"):
        entry = report["latency_ms"][name]
        assert 0 < entry["min"] <= entry["median"] <= entry["max"]


def test_doctor_reports_on_the_model(run, folder, tmp_path):
    report = json.loads(run("doctor", "--model", folder, "--json")[1])
    findings = {finding["name"]: finding for finding in report["findings"]}
    assert findings["model"]["ok"]
    assert "torch 2" in findings["packages"]["detail"]
    code, out, _ = run("doctor", "--model", tmp_path / "none")
    assert code == 1
    assert "unknown model" in out


def test_pictures_that_are_none_are_one_line(run, folder, photo, tmp_path):
    text = tmp_path / "note.png"
    text.write_text("no picture")
    cut = tmp_path / "cut.png"
    cut.write_bytes(photo.read_bytes()[:2000])
    for path, part in (
        (text, "not a picture"),
        (cut, "truncated"),
        (tmp_path, "folder"),
        (tmp_path / "x.png", "not exist"),
    ):
        assert_one_clear_line(run("find", path, PHRASE, "--model", folder), path.name, part)


def test_a_bomb_is_one_line(run, folder, tmp_path):
    path = tmp_path / "bomb.png"
    Image.new("1", (9000, 9000)).save(path)
    assert path.stat().st_size < 20_000
    assert_one_clear_line(run("find", path, PHRASE, "--model", folder), "81 megapixels", "64 megapixels")


@pytest.mark.parametrize("phrase", ["", "   ", "x" * 257, "...", "a\x07b"])
def test_phrases_that_name_nothing_are_one_line(run, folder, photo, phrase):
    assert_one_clear_line(run("find", photo, phrase, "--model", folder), "valid")
    assert_one_clear_line(run("answer", photo, phrase, "--model", folder), "valid")
    assert_one_clear_line(run("demo", phrase, "--out", photo.parent / "demo"), "valid")


def test_a_phrase_of_256_characters_is_heard(run, folder, photo):
    assert run("find", photo, "the red cup ".ljust(256, "x"), "--model", folder)[0] == 0


def test_an_unknown_model_lists_the_valid_ones(run, photo):
    assert_one_clear_line(
        run("find", photo, PHRASE, "--model", "nonsense"), "nonsense", "microsoft/kosmos-2-patch14-224"
    )
    assert_one_clear_line(run("find", photo, PHRASE, "--model", "x" * 300), "too long")


@pytest.mark.parametrize("damage", ["missing", "misshapen", "truncated", "no_config", "no_tokenizer"])
def test_a_damaged_checkpoint_is_named(run, folder, photo, tmp_path, damage):
    copy = tmp_path / "model"
    copy.mkdir()
    for file in folder.iterdir():
        (copy / file.name).write_bytes(file.read_bytes())
    weights = copy / "model.safetensors"
    tensors = load_file(weights)
    part = EMBEDDING
    if damage == "missing":
        save_file({name: tensor for name, tensor in tensors.items() if name != EMBEDDING}, weights)
    elif damage == "misshapen":
        save_file({**tensors, EMBEDDING: tensors[EMBEDDING][:-1].clone()}, weights)
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-100])
        part = "model.safetensors"
    else:
        part = "config.json" if damage == "no_config" else "tokenizer.json"
        (copy / part).unlink()
    assert_one_clear_line(run("find", photo, PHRASE, "--model", copy), part)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["nonsense"], "nonsense"),
        (["find"], "Missing argument"),
        (["find", "a.png", "b", "c"], "unexpected"),
        (["find", "a.png", "b", "--threads", "0"], "--threads"),
        (["caption", "a.png", "--style", "loud"], "loud"),
        (["describe", "a.png", "0.5", "0.5", "0.2", "0.9"], "x1 < x2"),
        (["describe", "a.png", "0.5", "0.5", "1.2", "0.9"], "less than or equal to 1"),
        (["find", "a.png", "b", "--out", "picture.txt"], "picture.txt"),
        (["find", "a.png", "b", "--out", "no/such/folder/picture.png"], "no/such/folder"),
        (["find", "a.png", "b", "--out", "x" * 300 + "/picture.png"], "too long"),
        (["find", "x" * 300, "b"], "too long"),
        (["demo", "pick up the elephant"], "valid: cup"),
        (["calibrate", "--split", "test"], "validation"),
    ],
)
def test_usage_errors_are_one_line(run, words, part, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert_one_clear_line(run(*words), part)


def test_options_outside_their_range_are_one_line(run, folder, photo):
    assert_one_clear_line(run("find", photo, PHRASE, "--model", folder, "--dtype", "int3"), "float32, bfloat16")
    assert_one_clear_line(run("find", photo, PHRASE, "--model", folder, "--device", "abacus"), "abacus", "cpu")


@pytest.mark.parametrize(
    ("words", "extra"),
    [
        (("demo", "pick up the red cup", "--out"), "sim"),
        (("eval", "tabletop", "--model"), "sim"),
        (("train", "tabletop", "--run-folder"), "train"),
    ],
)
def test_a_missing_extra_is_one_line_with_what_to_type(tmp_path, words, extra):
    given = [*words, str(tmp_path)]
    code = f"import sys; sys.modules['mujoco'] = None; from kosmos_agent.cli.app import main; sys.exit(main({given}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert_one_clear_line((done.returncode, done.stdout, done.stderr), "mujoco", f"pip install 'kosmos-agent[{extra}]'")


def test_a_missing_module_of_our_own_is_no_missing_extra():
    with pytest.raises(ModuleNotFoundError, match="absent_part"), needs("sim"):
        importlib.import_module("kosmos_agent.absent_part")
    with (
        pytest.raises(MissingDependencyError, match=r"no_such_package is not installed.*kosmos-agent\[train\]"),
        needs("train"),
    ):
        importlib.import_module("no_such_package.part")


def test_version_and_help(run):
    assert run("--version")[1].startswith("kosmos-agent 0.")
    assert run()[1] == run("--help")[1]
    for command in ("find", "caption", "answer", "describe", "demo", "bench", "doctor", "eval", "train", "calibrate"):
        assert command in run("--help")[1]


@pytest.mark.parametrize("group", ["eval", "train"])
def test_a_group_without_a_command_shows_its_help(run, group):
    code, out, err = run(group)
    assert (code, err) == (2, "")
    assert "tabletop" in out


def test_help_does_not_wait_for_torch():
    code = "import sys; from kosmos_agent.cli.app import main; main(['--help']); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_a_reader_that_goes_away_is_no_error():
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "kosmos_agent", "--version"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (1, b"")


def test_find_lists_what_the_phrase_says_about_place(run, folder, photo):
    phrase = "the red cup left of the cup"
    (clause,) = json.loads(run("find", photo, phrase, "--model", folder, "--json")[1])["clauses"]
    assert (clause["words"], clause["anchor"]) == ("left of the cup", "the cup")
    assert clause["state"] in ("holds", "fails", "unsure")
    assert clause["anchor_box"] is None or len(clause["anchor_box"]) == 4
    assert f"{clause['state']}  left of the cup" in run("find", photo, phrase, "--model", folder)[1]


def test_zoom_is_an_option(run, folder, photo):
    timings = [
        json.loads(run("find", photo, PHRASE, "--model", folder, "--json", option)[1])["timings_ms"]
        for option in ("--zoom", "--no-zoom")
    ]
    assert ["zoom" in item for item in timings] == [True, False]
