"""The shipped model through OpenVINO: the same answers as torch's, from graphs that are made once and kept."""

import os
import threading
from pathlib import Path

import openvino
import pytest
import torch
from tiny_kosmos import TOKENIZER, tiny_model

from kosmos_agent.cli.app import main
from kosmos_agent.errors import InvalidArgumentError, MissingDependencyError
from kosmos_agent.evaluation.label_folder import load_pictures, read_labels
from kosmos_agent.export.folder import export_model
from kosmos_agent.grounder import Grounder
from kosmos_agent.model.checkpoint import save_model
from kosmos_agent.runtime import choosing, openvino_loading
from kosmos_agent.runtime.user_cache import MOST_EXPORTS, forget_oldest
from kosmos_agent.user_cache import CACHE_VARIABLE

FOLDER = Path(__file__).parent / "data" / "fixed"
PICTURES = tuple(load_pictures(FOLDER, read_labels(FOLDER)))
PROBABILITY = {"float32": 1e-4, "bfloat16": 0.1}
BOX_IOU = {"float32": 0.999, "bfloat16": 0.95}
"""How far answers may be from torch's in float32, on the fixed pictures: probabilities, and overlap of best boxes.

The box of an answer that says the thing is not there means nothing, and may lie anywhere.
"""

CAPABILITIES = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
NO_BF16 = pytest.mark.skipif("BF16" not in CAPABILITIES, reason="this CPU has no bfloat16 instructions")


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """A user's cache of its own for this file, in which the shipped model is exported once."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(CACHE_VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield Path(os.environ[CACHE_VARIABLE])


@pytest.fixture(scope="module")
def reference():
    return Grounder.load("tabletop", dtype="float32", threads=1)


@pytest.fixture(scope="module", params=["float32", pytest.param("bfloat16", marks=NO_BF16)])
def exported(cache, request):
    return Grounder.load("tabletop", runtime="openvino", dtype=request.param, threads=1)


def is_nearly_rivalled(answer):
    """Rounding may tip over whether the second candidate weighs half as much as the best: found, or ambiguous."""
    best, *others = answer.candidates
    return any(item.probability / best.probability == pytest.approx(0.5, abs=0.05) for item in others)


@pytest.mark.parametrize("picture", PICTURES, ids=lambda item: item.labels.phrases[0].kind)
def test_answers_are_those_of_torch(reference, exported, picture):
    precision = exported.model.precision
    words = [phrase.text for phrase in picture.labels.phrases] + ["the red cup", "the blue box left of the plate"]
    answers = (grounder.view(picture.rgb).find_all(words) for grounder in (reference, exported))
    for ours, theirs in zip(*answers, strict=True):
        assert theirs.status == ours.status or (precision == "bfloat16" and is_nearly_rivalled(ours))
        assert ours.status == "not_found" or theirs.best.box.iou(ours.best.box) >= BOX_IOU[precision]
        assert theirs.best.probability == pytest.approx(ours.best.probability, abs=PROBABILITY[precision])
        assert theirs.presence == pytest.approx(ours.presence, abs=PROBABILITY[precision])


def test_texts_and_several_boxes_are_those_of_torch(reference, exported):
    picture = next(item for item in PICTURES if item.labels.phrases[0].kind == "plural")
    ours, theirs = (grounder.view(picture.rgb) for grounder in (reference, exported))
    for ask in (lambda view: view.caption(), lambda view: view.answer("What colour is the largest thing?")):
        assert ask(theirs).text == ask(ours).text
    words = picture.labels.phrases[0].text
    found, again = ours.find_each(words), theirs.find_each(words)
    assert len(again.meant) == len(found.meant) > 1
    for one, other in zip(found.meant, again.meant, strict=True):
        assert other.box.iou(one.box) >= 0.9


def test_threads_that_ask_at_once_get_what_each_asked_for(cache):
    grounder = Grounder.load("tabletop", runtime="openvino", dtype="float32", threads=1, zoom=False, both_ways=False)
    alone = [grounder.view(picture.rgb).find("the red thing").best for picture in PICTURES[:4]]
    together = [None] * 4

    def ask(number):
        for _ in range(3):
            together[number] = grounder.view(PICTURES[number].rgb).find("the red thing").best

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert together == alone


@pytest.fixture
def checkpoint(tmp_path):
    save_model(tiny_model(1, conv=True), tmp_path / "model", tokenizer=TOKENIZER)
    return tmp_path / "model"


@pytest.fixture
def counted(monkeypatch):
    """Exports that were made, by the folder they were made for, without tracing anything."""
    made = []

    def make(model_folder, out, written_as):
        made.append(out)
        return export_model(model_folder, out, Blank())

    monkeypatch.setattr(openvino_loading, "export_model", make)
    return made


class Blank:
    FORMAT = "openvino"
    precision = "float32"

    def version(self):
        return "0"

    def write(self, graph, folder):
        (folder / f"{graph.name}.xml").write_text("")
        return [f"{graph.name}.xml"]


def test_graphs_are_made_once_and_again_when_they_are_damaged(checkpoint, counted, tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    place = openvino_loading.kept_export(checkpoint)
    assert openvino_loading.kept_export(checkpoint) == place
    assert counted == [place]
    (place / "vision.xml").write_text("cut")
    openvino_loading.kept_export(checkpoint)
    assert len(counted) == 2
    assert (place / "vision.xml").read_text() == ""


def test_those_that_start_together_make_the_graphs_once(checkpoint, counted, tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    threads = [threading.Thread(target=openvino_loading.kept_export, args=(checkpoint,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(counted) == 1


def test_a_cache_that_may_only_be_read_is_used(checkpoint, counted, tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    place = openvino_loading.kept_export(checkpoint)
    monkeypatch.setattr(Path, "touch", refused)
    assert openvino_loading.kept_export(checkpoint) == place
    assert counted == [place]


def refused(*_, **__):
    raise PermissionError("read-only")


def test_other_weights_have_a_place_of_their_own(checkpoint, counted, tmp_path, monkeypatch):
    monkeypatch.setenv(CACHE_VARIABLE, str(tmp_path / "cache"))
    first = openvino_loading.kept_export(checkpoint)
    save_model(tiny_model(2, conv=True), checkpoint, tokenizer=TOKENIZER)
    assert openvino_loading.kept_export(checkpoint) != first
    assert len(counted) == 2


def test_the_cache_forgets_what_was_used_longest_ago(tmp_path):
    places = [tmp_path / f"export-{number}" for number in range(MOST_EXPORTS + 2)]
    for age, place in enumerate(reversed(places)):
        place.mkdir()
        (place / "manifest.json").write_text("{}")
        os.utime(place / "manifest.json", (1e9 - age, 1e9 - age))
    (tmp_path / "not-an-export").mkdir()
    forget_oldest(tmp_path, keep=places[0])
    assert {path.name for path in tmp_path.iterdir()} == {
        "not-an-export", places[0].name, *(place.name for place in places[-MOST_EXPORTS + 1 :])
    }  # fmt: skip


def test_what_cannot_run_is_named_with_what_can(checkpoint, tmp_path, monkeypatch):
    for runtime in ("onnxruntime", "", tmp_path):
        with pytest.raises(InvalidArgumentError, match="valid: torch, openvino, or a folder"):
            Grounder.load(checkpoint, runtime=runtime)
    with pytest.raises(InvalidArgumentError, match="valid: cpu"):
        choosing.load_exported(checkpoint, "openvino", dtype="auto", device="cuda", threads=1)
    monkeypatch.setattr(choosing.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'kosmos-agent\[fast\]'"):
        Grounder.load(checkpoint, runtime="openvino")


def test_a_number_type_that_the_cpu_is_not_made_for_is_refused(cache):
    with pytest.raises(InvalidArgumentError, match="valid: auto, float32"):
        Grounder.load("tabletop", runtime="openvino", dtype="int3")


def test_an_export_is_a_runtime_of_the_command_line(cache, tmp_path, capsys):
    out = tmp_path / "graphs"
    assert main(["export", "--out", str(out), "--json"]) == 0
    picture = str(FOLDER / PICTURES[1].labels.image)
    words = PICTURES[1].labels.phrases[0].text
    capsys.readouterr()
    assert main(["find", picture, words, "--runtime", str(out), "--threads", "1"]) == 0
    assert "found" in capsys.readouterr().out
    assert main(["export", "--out", str(FOLDER)]) == 2
    assert "holds something else" in capsys.readouterr().err


def test_asked_for_threads_are_the_graphs_and_torch_keeps_one(cache):
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        Grounder.load("tabletop", runtime="openvino")
        assert torch.get_num_threads() == 2
        with pytest.raises(InvalidArgumentError, match="valid: torch, openvino, or a folder"):
            Grounder.load("tabletop", runtime="no-such-folder", threads=2)
        assert torch.get_num_threads() == 2
        grounder = Grounder.load("tabletop", runtime="openvino", threads=2)
        assert torch.get_num_threads() == 1
        assert grounder.model.threads == 2
    finally:
        torch.set_num_threads(before)
