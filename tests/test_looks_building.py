"""Folders of a look: resumable, and labelled by the scene's own ids."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from kosmos_sim.labelled import labelled_split
from kosmos_sim.looks import renderers
from kosmos_sim.looks.building import DESCRIPTION_FILE, PICTURE_PX, build_look
from kosmos_sim.looks.pairs import pair_sheet
from kosmos_sim.splits import MITSUBA
from kosmos_sim.stream import staged_split

from kosmos_agent.errors import InvalidArgumentError, MissingDependencyError
from kosmos_agent.evaluation.label_folder import load_pictures, read_labels


class Flat:
    """Draws one grey; counts its pictures."""

    description = "flat 1"

    def __init__(self):
        self.drawn = 0

    def picture(self, scene, rng):
        self.drawn += 1
        return np.full((scene.size_px, scene.size_px, 3), int(rng.integers(20, 230)), np.uint8)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder = tmp_path_factory.mktemp("built")
    build_look(Flat(), MITSUBA, folder, 3)
    return folder


@pytest.fixture
def folder(built, tmp_path):
    return Path(shutil.copytree(built, tmp_path / "look"))


def test_labels_are_those_of_the_same_scenes(folder):
    labels = read_labels(folder)
    records = [staged.record for staged in staged_split(MITSUBA, 3, PICTURE_PX)]
    assert labels == [item.labels for item in labelled_split(MITSUBA, records)]
    for picture in load_pictures(folder, labels):
        assert picture.rgb.shape == (PICTURE_PX, PICTURE_PX, 3)


def test_what_is_there_stays_and_what_is_missing_is_drawn(folder):
    before = (folder / "labels.jsonl").read_text()
    kept, gone = folder / "9101-0000.jpg", folder / "9101-0001.jpg"
    first, second = kept.read_bytes(), gone.read_bytes()
    kept.write_bytes(second)
    gone.unlink()
    renderer, steps = Flat(), []
    assert build_look(renderer, MITSUBA, folder, 3, lambda: steps.append(1)) == 3
    assert (renderer.drawn, len(steps)) == (1, 3)
    assert (kept.read_bytes(), gone.read_bytes()) == (second, second)
    assert first != second
    assert (folder / "labels.jsonl").read_text() == before
    assert not list(folder.glob("*.partial"))


def test_a_folder_of_something_else_is_refused(folder):
    assert json.loads((folder / DESCRIPTION_FILE).read_text())["renderer"] == "flat 1"
    other = Flat()
    other.description = "flat 2"
    with pytest.raises(InvalidArgumentError, match="name another folder"):
        build_look(other, MITSUBA, folder, 1)
    with pytest.raises(InvalidArgumentError, match="name another folder"):
        build_look(Flat(), replace(MITSUBA, seed=9_102), folder, 1)


def test_a_missing_renderer_is_named_with_its_extra(monkeypatch):
    def absent(name):
        raise ImportError(f"No module named {name!r}")

    monkeypatch.setattr(renderers.importlib, "import_module", absent)
    with pytest.raises(MissingDependencyError, match=r"kosmos-agent\[looks\]"):
        renderers.open_renderer(renderers.Look.MITSUBA)


def test_looks_are_named_as_their_splits():
    assert {look.value: renderers.split_of_look(look).name for look in renderers.Look} == {
        "mitsuba": "mitsuba",
        "other": "other",
    }


def test_a_sheet_shows_pairs(folder):
    rows = pair_sheet(MITSUBA, folder, range(2))
    assert [row.shape for row in rows] == [(224, 4 * 224, 3)]
    with pytest.raises(InvalidArgumentError, match="build the look first"):
        pair_sheet(MITSUBA, folder, range(3, 5))
