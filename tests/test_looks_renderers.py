"""The other renderers draw each thing where MuJoCo's ids, and so the labels, say that it is."""

from dataclasses import replace

import numpy as np
import pytest
from kosmos_sim.looks.export import export
from kosmos_sim.looks.renderers import Look, open_renderer, split_of_look
from kosmos_sim.stream import staged_split

SIZE = 128
NEARER_M = 4e-4
PACKAGES = {Look.OTHER: "pybullet", Look.MITSUBA: "mitsuba"}


@pytest.fixture(scope="module", params=[Look.OTHER, pytest.param(Look.MITSUBA, marks=pytest.mark.slow)])
def look(request):
    """The renderer, and two scenes with their records and the categories by owner."""
    pytest.importorskip(PACKAGES[request.param], reason="another renderer: pip install 'kosmos-agent[looks]'")
    scenes = [
        (export(staged), staged.record, [placement.slot.category for placement in staged.staging.placements])
        for staged in staged_split(split_of_look(request.param), 8, SIZE)
        if staged.record.index in (0, 7)
    ]
    return open_renderer(request.param), scenes


def silhouette_px(renderer, scene, seen, owner):
    """(H, W) bool: where the picture's depth changes when the thing is taken out."""
    without = replace(scene, surfaces=tuple(s for s in scene.surfaces if s.owner != owner))
    behind = renderer.depth_m(without)
    nothing = behind <= 0  # nothing was hit
    return (seen > 0) & (nothing | (behind - seen > NEARER_M))


def box_px(mask):
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return np.array([columns[0], rows[0], columns[-1] + 1, rows[-1] + 1])


def test_silhouettes_lie_in_the_labels_boxes(look):
    renderer, scenes = look
    checked = 0
    for scene, record, categories in scenes:
        boxes = [np.multiply(thing.box, SIZE) for thing in record.objects]
        words = [thing.category for thing in record.objects]
        seen = renderer.depth_m(scene)
        for owner, word in enumerate(categories):
            mask = silhouette_px(renderer, scene, seen, owner)
            if mask.sum() < 60:
                continue
            apart = [np.abs(box_px(mask) - box).max() for box, name in zip(boxes, words, strict=True) if name == word]
            assert min(apart) <= 1
            checked += 1
    assert checked >= 5


def test_pictures_are_repeatable_and_well_exposed(look):
    renderer, scenes = look
    for scene, _, _ in scenes:
        first, again = (renderer.picture(scene, np.random.default_rng(4)) for _ in range(2))
        assert (first.shape, first.dtype) == ((SIZE, SIZE, 3), np.uint8)
        assert 50 < first.mean() < 215
        assert (first.min(axis=2) > 250).mean() < 0.2
        assert np.abs(first.astype(int) - again).mean() < 1
        other = renderer.picture(scene, np.random.default_rng(5))
        assert np.abs(first.astype(int) - other).mean() > 2
