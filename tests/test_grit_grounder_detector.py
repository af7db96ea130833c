"""Our own model as GrIT's detector, on fixed pictures with their labels."""

from pathlib import Path

import pytest
from PIL import Image

from kosmos_agent.evaluation.label_folder import read_labels
from kosmos_agent.grit import grounder_detector
from kosmos_agent.grit.grounder_detector import GrounderDetector
from kosmos_agent.grounder import Grounder

FIXED = Path(__file__).parent / "data" / "fixed"
LABELS = {item.image: item for item in read_labels(FIXED)}


@pytest.fixture(scope="module")
def detector():
    return GrounderDetector(Grounder.load("tabletop", threads=1))


def picture(name):
    return Image.open(FIXED / f"{name}.jpg")


def phrase_of(name):
    return LABELS[f"{name}.jpg"].phrases[0]


def test_a_thing_is_found_under_its_own_index(detector):
    phrase = phrase_of("attribute")
    found = detector.detect(picture("attribute"), ["a banana on the moon", phrase.text])
    best = max(found, key=lambda item: item.score)
    assert best.phrase == 1
    assert best.score > 0.65
    assert best.box.iou(phrase.boxes[0]) > 0.5


def test_a_plural_has_a_box_for_each_thing(detector):
    phrase = phrase_of("plural")
    found = [item for item in detector.detect(picture("plural"), [phrase.text]) if item.score > 0.65]
    assert len(phrase.boxes) > 1
    assert all(any(item.box.iou(true) > 0.5 for item in found) for true in phrase.boxes)


def test_what_is_not_there_is_not_sure(detector):
    found = detector.detect(picture("attribute"), ["a purple hammer", "two white donuts"])
    assert {item.phrase for item in found} == {0, 1}
    assert max(item.score for item in found) < 0.65


def test_words_that_the_model_never_learnt_get_no_box(detector):
    assert detector.detect(picture("attribute"), ["a platypus"]) == []


def test_the_answer_does_not_depend_on_what_was_asked_before(detector):
    phrase = phrase_of("attribute").text
    first = detector.detect(picture("attribute"), [phrase])
    detector.detect(picture("plural"), ["the red cup"])
    assert detector.detect(picture("attribute"), [phrase]) == first


def test_more_phrases_than_fit_one_question_keep_their_indices(detector, monkeypatch):
    monkeypatch.setattr(grounder_detector, "MAX_PHRASES", 2)
    phrase = phrase_of("attribute").text
    found = detector.detect(picture("attribute"), ["a platypus"] * 2 + [phrase])
    assert {item.phrase for item in found} == {2}
