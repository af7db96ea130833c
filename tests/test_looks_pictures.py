"""The kept pictures of the two looks: whole, well exposed, in their colours, and labelled where things are."""

import json
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from kosmos_sim.expressions import KINDS
from kosmos_sim.labelled import labelled_split
from kosmos_sim.looks.building import DESCRIPTION_FILE, PICTURE_PX
from kosmos_sim.looks.renderers import Look, split_of_look
from kosmos_sim.stream import GENERATOR_VERSION, staged_split

from kosmos_agent.evaluation.label_folder import load_pictures, read_labels

ROOT = Path(__file__).parent / "data" / "looks"
MAX_BYTES = 6_500_000
HUES_DEG = {
    "red": (-16, 14), "orange": (12, 42), "yellow": (40, 70), "green": (75, 165), "blue": (200, 250),
    "purple": (250, 305), "pink": (305, 375), "brown": (5, 42),
}  # fmt: skip
"""Wider than what the colours are drawn from: light has a tint, and things shine on each other."""
MIN_SHARE, MIN_RIGHT = 0.12, 0.93


@pytest.fixture(scope="module", params=list(Look), ids=lambda look: look.value)
def kept(request):
    folder = ROOT / request.param.value
    labels = read_labels(folder)
    return split_of_look(request.param), folder, list(load_pictures(folder, labels))


def test_all_pictures_are_there_and_small(kept):
    split, folder, pictures = kept
    assert [picture.labels.image for picture in pictures] == [
        f"{split.seed}-{index:04d}.jpg" for index in range(split.scenes)
    ]
    assert {picture.rgb.shape for picture in pictures} == {(PICTURE_PX, PICTURE_PX, 3)}
    assert len({picture.rgb.tobytes() for picture in pictures}) == split.scenes
    assert sum(path.stat().st_size for path in folder.iterdir()) < MAX_BYTES
    about = json.loads((folder / DESCRIPTION_FILE).read_text())
    assert (about["seed"], about["generator"]) == (split.seed, GENERATOR_VERSION)


def test_every_kind_of_phrase_is_asked_often_enough(kept):
    _, _, pictures = kept
    kinds = Counter(phrase.kind for picture in pictures for phrase in picture.labels.phrases)
    assert set(kinds) == set(KINDS)
    assert sum(kinds.values()) > 1200
    assert kinds["absent"] > 80
    assert sum(len(picture.labels.questions) for picture in pictures) > 400


def test_no_picture_is_dark_or_burnt_out(kept):
    for picture in kept[2]:
        assert 40 < picture.rgb.mean() < 225, picture.labels.image
        assert picture.rgb.std() > 12, picture.labels.image
        assert (picture.rgb.min(axis=2) > 252).mean() < 0.3, picture.labels.image


def shows(rgb, colour):
    """(H, W) bool: pixels that a fair person could call by this word."""
    hsv = cv2.cvtColor((rgb / 255).astype(np.float32), cv2.COLOR_RGB2HSV)
    hue, saturation, value = hsv[..., 0], hsv[..., 1], hsv[..., 2]
    if colour == "white":
        return (value > 0.5) & (saturation < 0.3)
    if colour == "gray":
        return (value > 0.12) & (value < 0.8) & (saturation < 0.3)
    if colour == "black":
        return value < 0.35
    low, high = HUES_DEG[colour]
    within = (hue - low) % 360 <= high - low
    limit = 0.7 if colour == "brown" else 1.01
    return within & (saturation > (0.12 if colour == "pink" else 0.3)) & (value > 0.08) & (value < limit)


def test_things_look_as_they_are_called(kept):
    """What stands in a region's box has the colour of its words, under every light."""
    split, _, pictures = kept
    right = []
    for picture in pictures:
        for region in picture.labels.regions:
            x1, y1, x2, y2 = (round(value * PICTURE_PX) for value in region.box.corners)
            right.append(shows(picture.rgb[y1:y2, x1:x2], region.colour).mean() >= MIN_SHARE)
    assert len(right) > 500
    assert np.mean(right) >= MIN_RIGHT, split.name


def test_the_scenes_are_still_those_that_the_code_stages(kept):
    """So the pictures can be drawn again; the labels of the pictures stay as they were written."""
    split, _, pictures = kept
    records = [staged.record for staged in staged_split(split, 6, PICTURE_PX)]
    for now, then in zip(labelled_split(split, records), pictures, strict=False):
        assert len(now.labels.things) == len(then.labels.things)
        for one, other in zip(now.labels.things, then.labels.things, strict=True):
            assert (one.colour, one.category) == (other.colour, other.category)
            assert np.multiply(one.box.corners, PICTURE_PX) == pytest.approx(
                np.multiply(other.box.corners, PICTURE_PX), abs=1.01
            )
