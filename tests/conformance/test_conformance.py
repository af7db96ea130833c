"""One contract: whatever the face, the same question has the same status, code, boxes and timing fields."""

import math

import pytest
from cases import CASES
from faces import CatalogueFace, LangChainFace, McpFace, PythonFace
from http_face import HttpFace
from rig import Rig
from ros_face import RosFace

from kosmos_agent.grounder import Grounder

FACES = (PythonFace, CatalogueFace, LangChainFace, McpFace, HttpFace, RosFace)


@pytest.fixture(scope="module")
def rig():
    return Rig(Grounder.load("tabletop", threads=1))


@pytest.fixture(scope="module")
def reference(rig):
    """What the Python face says of each case."""
    with PythonFace().opened(rig) as face:
        return {case.name: face.run(case) for case in CASES}


@pytest.fixture(scope="module", params=FACES, ids=lambda face: face.name)
def face(request, rig):
    if request.param.missing is not None:
        pytest.skip(request.param.missing)
    with request.param().opened(rig) as opened:
        yield opened


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_every_face_says_the_same(face, reference, case):
    outcome, expected = face.run(case), reference[case.name]
    if not case.shipped:
        assert (outcome.status, outcome.code) == (case.status, case.code)
    assert (outcome.status, outcome.code) == (expected.status, expected.code)
    assert len(outcome.boxes) == len(expected.boxes)
    for mine, theirs in zip(outcome.boxes, expected.boxes, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-6)
    assert outcome.probabilities == pytest.approx(expected.probabilities, abs=1e-6)
    assert outcome.presence == pytest.approx(expected.presence, abs=1e-6)
    assert outcome.question == expected.question
    assert outcome.clauses == expected.clauses
    assert list(outcome.timings_ms) == list(expected.timings_ms)
    assert all(math.isfinite(value) and value >= 0 for value in outcome.timings_ms.values())
    if outcome.status != "error":
        assert outcome.image == (face._rig.stamp_ns, *expected.image[1:])
        assert outcome.age_s >= 0
        assert outcome.timings_ms


def test_the_cases_are_told_apart(reference):
    """A face that said the same to everything would not pass."""
    kinds = {(outcome.status, outcome.code) for outcome in reference.values()}
    assert {status for status, _ in kinds} >= {"found", "not_found", "ambiguous", "cannot_tell", "error"}
    assert {code for _, code in kinds} >= {"no_image", "stale_image", "invalid_phrase", "cancelled", "timeout"}
    assert reference["ambiguous"].question
    assert len(reference["ambiguous"].boxes) == 2
