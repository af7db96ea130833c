"""`kosmos-agent calibrate` from end to end: a small random model, a folder of small pictures."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest
from calibrations import calibration
from PIL import Image
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent.calibration import CHEAP_FEATURES, SINGLE_LOOK_FEATURES, Calibration
from kosmos_agent.cli.app import main
from kosmos_agent.errors import CheckpointError, InvalidArgumentError
from kosmos_agent.evaluation.calibration_samples import collect_samples
from kosmos_agent.evaluation.labelled import LabelledPhrase
from kosmos_agent.grounder import Grounder
from kosmos_agent.model.checkpoint import save_model
from kosmos_agent.model.fingerprint import weights_sha256
from kosmos_agent.results import Box

PICTURES, SIDE = 12, 32
PHRASES = ("the red cup", "the blue box", "the cup left of the box", "box", "the red box", "an image")


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "tiny"
    save_model(tiny_model(1, location_gain=4.0), path, tokenizer=TOKENIZER)
    return path


@pytest.fixture
def folder(original, tmp_path):
    return shutil.copytree(original, tmp_path / "model")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Every other phrase names something: a corner of the picture."""
    path = tmp_path_factory.mktemp("data")
    rng, lines = np.random.default_rng(0), []
    for number in range(PICTURES):
        Image.fromarray(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)).save(path / f"{number}.png")
        phrases = [
            {
                "text": text,
                "kind": "attribute" if place % 2 else "absent",
                "boxes": [[0, 0, 0.5, 0.5]] if place % 2 else [],
            }
            for place, text in enumerate(PHRASES)
        ]
        lines.append(json.dumps({"image": f"{number}.png", "phrases": phrases}))
    (path / "labels.jsonl").write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def run(capsys):
    def call(*words):
        code = main(["calibrate", *(str(word) for word in words)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_the_file_is_written_beside_the_weights_and_used(run, folder, data):
    picture = np.asarray(Image.open(data / "0.png"))
    before = Grounder.load(folder).view(picture).find("the red cup")
    code, out, _ = run("--model", folder, "--data", data)
    assert code == 0
    assert out.splitlines()[-1] == str(folder / "calibration.json")
    assert "AUROC" in out
    grounder = Grounder.load(folder)
    assert grounder.calibration == Calibration.read(folder / "calibration.json")
    assert grounder.warnings == ()
    after = grounder.view(picture).find("the red cup")
    assert (before.probability_kind, after.probability_kind) == ("joint", "calibrated")
    assert after.best.box == before.best.box
    assert Grounder.load(folder, calibrated=False).calibration is None


def test_what_is_printed_as_json_is_what_was_fitted(run, folder, data, tmp_path):
    out = tmp_path / "elsewhere.json"
    code, text, _ = run("--model", folder, "--data", data, "--out", out, "--max-false-found", 0.1, "--json")
    report, written = json.loads(text), Calibration.read(out)
    assert code == 0
    assert not (folder / "calibration.json").exists()
    assert report["file"] == str(out)
    assert report["thresholds"]["max_false_found"] == 0.1
    assert written.fitted.data == data.name
    assert (written.fitted.n, written.fitted.n_absent) == (PICTURES * 6, PICTURES * 3)
    assert written.weights_sha256 == weights_sha256(folder) == report["weights_sha256"]
    assert set(written.features) == set(CHEAP_FEATURES)
    assert written.fitted.false_found <= 0.1


def test_named_features_are_the_ones_used(run, folder, data):
    assert run("--model", folder, "--data", data, "--features", "mirror_iou,object_log_odds,phrase_lift")[0] == 0
    grounder = Grounder.load(folder)
    assert grounder.calibration.features == ("object_log_odds", "phrase_lift", "mirror_iou")
    view = grounder.view(np.asarray(Image.open(data / "0.png")))
    assert view.find("the cup").status in ("found", "ambiguous", "not_found", "cannot_tell")


def test_a_calibration_for_other_weights_is_set_aside_with_a_reason(run, folder, data, capsys):
    run("--model", folder, "--data", data)
    save_model(tiny_model(2), folder, tokenizer=TOKENIZER)
    grounder = Grounder.load(folder)
    assert grounder.calibration is None
    (warning,) = grounder.warnings
    assert "fitted for weights" in warning
    assert "kosmos-agent calibrate" in warning
    assert grounder.view(np.asarray(Image.open(data / "0.png"))).find("the cup").probability_kind == "joint"
    assert main(["find", str(data / "0.png"), "the cup", "--model", str(folder), "--json"]) == 0
    assert "fitted for weights" in capsys.readouterr().err


def test_a_single_look_has_a_calibration_of_its_own(run, folder, data):
    (folder / "profile.json").write_text('{"zoom": true, "both_ways": true}')
    assert run("--model", folder, "--data", data)[0] == 0
    assert run("--model", folder, "--data", data, "--single-look")[0] == 0
    usual, once = Grounder.load(folder), Grounder.load(folder, zoom=False, both_ways=False)
    assert set(usual.calibration.features) == {*CHEAP_FEATURES, "mirror_iou"}
    assert once.calibration == Calibration.read(folder / "calibration-single-look.json")
    assert set(once.calibration.features) == set(SINGLE_LOOK_FEATURES)
    assert Grounder.load(folder, zoom=False).calibration == usual.calibration
    (folder / "calibration-single-look.json").unlink()
    assert Grounder.load(folder, zoom=False, both_ways=False).calibration == usual.calibration


def test_a_malformed_calibration_stops_loading_but_not_calibrating(run, folder, data):
    (folder / "calibration.json").write_text("{}")
    with pytest.raises(CheckpointError, match=r"calibration\.json is no calibration"):
        Grounder.load(folder)
    assert run("--model", folder, "--data", data)[0] == 0
    assert Grounder.load(folder).calibration is not None


def test_what_is_right_is_judged_on_the_boxes_that_users_get(original):
    grounder = Grounder.load(original)
    picture = np.random.default_rng(5).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    answers = grounder.view(picture).find_all(PHRASES[:3])
    hit, missed = answers[0].best.box, answers[1].best.box
    far = Box(x1=0, y1=0, x2=1, y2=1) if missed.area < 0.4 else Box(x1=0, y1=0, x2=0.01, y2=0.01)
    phrases = [
        LabelledPhrase(PHRASES[0], "plural", (far, hit)),
        LabelledPhrase(PHRASES[1], "attribute", (far,)),
        LabelledPhrase(PHRASES[2], "absent", ()),
    ]
    samples = collect_samples(grounder, [(picture, []), (picture, phrases)])
    assert [(item.picture, item.present, item.correct) for item in samples] == [
        (1, True, True), (1, True, False), (1, False, False)
    ]  # fmt: skip
    # Other phrases in the row, such as what a claim leans on, move the last digits.
    for item, answer in zip(samples, answers, strict=True):
        assert item.probability == pytest.approx(answer.best.probability, rel=1e-4, abs=0.0)
        assert item.presence == pytest.approx(answer.presence, rel=1e-4, abs=0.0)


def test_a_calibrated_model_is_no_ground_to_fit_on(original):
    grounder = Grounder.load(original)
    grounder.calibration = calibration()
    with pytest.raises(InvalidArgumentError, match="calibrated=False"):
        collect_samples(grounder, [])


@pytest.mark.parametrize("shard_bytes", [10**9, 4_000])
def test_weights_are_known_by_their_bytes(original, tmp_path, shard_bytes):
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        save_model(tiny_model(seed), tmp_path / name, tokenizer=TOKENIZER, max_shard_bytes=shard_bytes)
    one, again, other = (weights_sha256(tmp_path / name) for name in ("one", "again", "other"))
    assert one == again != other
    with pytest.raises(CheckpointError, match="no weights"):
        weights_sha256(tmp_path)


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (("--data", "no/such/folder"), "labels.jsonl"),
        (("--features", "colour"), "valid: cheap, all, object_log_odds"),
        (("--out", "no/such/folder/file.json"), "does not exist"),
        (("--scenes", "2"), "--scenes"),
        (("--max-missed", "1.5"), "--max-missed"),
    ],
)
def test_what_can_be_mended_is_one_line(run, folder, data, words, part):
    given = ("--model", folder, *(() if words[0] == "--data" else ("--data", data)), *words)
    code, out, err = run(*given)
    assert (code, out) == (2, "")
    assert part in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("line", "part"),
    [
        ("{", "line 2"),
        ('{"image": "../model/0.png", "phrases": []}', "outside the folder"),
        ('{"image": "0.png", "phrases": [{"text": "a", "kind": "b", "boxes": [[0, 0, 2, 1]]}]}', "line 2"),
        ('{"image": "none.png", "phrases": [{"text": "a", "kind": "b", "boxes": []}]}', "none.png"),
        ('{"image": "1.png", "phrases": []}', "at least 20 of each"),
    ],
)
def test_labels_that_are_wrong_are_named(run, folder, data, tmp_path, line, part):
    copy = shutil.copytree(data, tmp_path / "data")
    first = (copy / "labels.jsonl").read_text().splitlines()[0]
    (copy / "labels.jsonl").write_text(f"{first}\n{line}\n")
    code, _, err = run("--model", folder, "--data", copy)
    assert code == 2
    assert part in err


def test_a_missing_extra_is_one_line_with_what_to_type():
    call = "from kosmos_agent.cli.app import main; sys.exit(main(['calibrate']))"
    code = f"import sys; sys.modules['sklearn'] = None; {call}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "pip install 'kosmos-agent[calibrate]'" in done.stderr
