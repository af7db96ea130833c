"""The closed loop of the demo, with eyes whose sight is known."""

import json

import numpy as np
import pytest
from kosmos_sim.instructions import phrase_of, wanted_thing
from kosmos_sim.world import Tabletop
from PIL import Image

from kosmos_agent.cli._demo import Demo
from kosmos_agent.cli._output import run_json
from kosmos_agent.cli._robot import CAMERA
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.results import Box, Candidate, Frame, Grounding
from kosmos_agent.robot.camera import Camera
from kosmos_agent.robot.frames import apply, inverse

SEED = 3
INSTRUCTION = "pick up the red cup"


class FixedEye:
    """Sees nothing, and answers with what it was told to answer."""

    name = "fixed"

    def __init__(self, status, *boxes):
        self.status, self.boxes, self.frame = status, boxes, None

    def view(self, image, *, stamp_ns=None, frame_id=""):
        self.frame = Frame(width=image.width, height=image.height, stamp_ns=stamp_ns, frame_id=frame_id)
        return self

    def find(self, phrase):
        return Grounding(
            phrase=phrase,
            status=self.status,
            candidates=tuple(Candidate(box=box, probability=0.5) for box in self.boxes),
            presence=0.5,
            frame=self.frame,
            model=self.name,
            timings_ms={"view": 1.0, "query": 1.0},
        )


def box_of_target():
    """The box around the target's true extent, as the demo's camera sees it."""
    with Tabletop.random(SEED, ("cup", "red")) as world:
        truth, seen = world.truth()[0], world.observe(CAMERA, 160, 120)
    corners = np.stack(np.meshgrid(*zip(truth.low_m, truth.high_m, strict=True)), axis=-1).reshape(-1, 3)
    camera = Camera.from_matrix(seen.intrinsics, 160, 120)
    px = camera.project(apply(inverse(seen.T_base_camera), corners))
    return Box.from_pixels((*px.min(axis=0), *px.max(axis=0)), 160, 120)


def test_a_true_box_ends_in_a_pick_with_all_its_pictures(tmp_path):
    steps = []
    run = Demo(lambda: FixedEye("found", box_of_target()), INSTRUCTION, SEED, steps.append).play(tmp_path)
    assert run.picked
    assert run.oracle_picked
    assert run.reason == ""
    assert [step.name for step in steps] == [
        *("model", "world", "look 1", "ground 1", "locate 1", "look 2", "ground 2", "locate 2"),
        *("pick", "pictures", "oracle"),
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"before.png", "after.png", "film.webp", "strip.png"}
    film = Image.open(tmp_path / "film.webp")
    assert film.n_frames > 20
    assert run.target.stamp_ns == run.answer.frame.stamp_ns
    data = json.loads(json.dumps(run_json(run)))
    assert data["picked"] is True
    assert len(data["answer"]["candidates"][0]["box"]) == 4


def test_without_one_clear_answer_nothing_moves(tmp_path):
    run = Demo(lambda: FixedEye("ambiguous", box_of_target()), INSTRUCTION, SEED, lambda _: None).play(tmp_path)
    assert not run.picked
    assert "say which one" in run.reason
    assert run.target is None
    assert run.outcome is None
    assert (tmp_path / "film.webp").is_file()


def test_a_box_on_the_wrong_place_is_not_a_pick(tmp_path):
    corner = Box(x1=0.02, y1=0.86, x2=0.12, y2=0.98)
    run = Demo(lambda: FixedEye("found", corner), INSTRUCTION, SEED, lambda _: None).play(tmp_path)
    assert not run.picked
    assert run.oracle_picked
    assert run.reason


@pytest.mark.parametrize(
    ("instruction", "phrase"),
    [
        ("pick up the red cup", "the red cup"),
        ("Please  grab the blue box.", "the blue box"),
        ("give me a banana!", "a banana"),
        ("the green bottle", "the green bottle"),
        ("take the pickaxe", "the pickaxe"),
    ],
)
def test_the_phrase_is_what_follows_the_verb(instruction, phrase):
    assert phrase_of(instruction) == phrase


def test_the_table_is_laid_with_the_thing_that_is_named():
    assert wanted_thing("the red cup") == ("cup", "red")
    assert wanted_thing("the grey ball") == ("ball", "gray")
    assert wanted_thing("a banana") == ("banana", None)


@pytest.mark.parametrize(
    ("phrase", "words"),
    [
        ("the plate", "valid: cup, mug"),
        ("the plate left of the cup", "colour and a thing"),
        ("the blue cup left of the red box", "colour and a thing"),
        ("the leftmost cup", "colour and a thing"),
        ("the cup that is red", "valid: cup, mug"),
    ],
)
def test_phrases_that_the_table_cannot_be_judged_by_are_refused(phrase, words):
    with pytest.raises(InvalidArgumentError, match=words):
        wanted_thing(phrase)


def test_words_that_fit_two_things_on_the_table_are_refused(tmp_path):
    with pytest.raises(InvalidArgumentError, match="name a colour"):
        Demo(lambda: FixedEye("found", box_of_target()), "pick up the cup", SEED, lambda _: None).play(tmp_path)
