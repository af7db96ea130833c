"""The demo through real processes, end to end: simulated camera and arm, grounding node, pick node."""

import contextlib
import importlib.util
import json
import os
import subprocess
import sys

import pytest
from PIL import Image

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")
pytest.importorskip("mujoco", reason="no simulation here")
for _node in ("sim_camera_node", "grounding_node", "pick_node"):
    if importlib.util.find_spec(f"kosmos_ros.{_node}") is None:
        pytest.skip(f"kosmos_ros.{_node} is absent", allow_module_level=True)

from kosmos_ros.errors import ProcessEndedError
from kosmos_ros.graph import simulated_graph

from kosmos_agent.cli._load import ModelChoice
from kosmos_agent.cli._ros_demo import NodesFailedError, RosDemo, demo_graph

SEED = 0
CHOICE = ModelChoice("tabletop", "auto", "cpu", 1)
FILES = ["before.png", "after.png", "film.webp", "strip.png"]


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The command as a user types it: exit code, JSON, folder."""
    out = tmp_path_factory.mktemp("demo") / "out"
    words = ["demo", "pick up the red cup", "--seed", str(SEED), "--out", str(out), "--threads", "1", "--json"]
    done = subprocess.run([sys.executable, "-m", "kosmos_agent", *words], capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 1), done.stderr
    return done, json.loads(done.stdout.splitlines()[-1]), out


def test_the_red_cup_is_picked_up(told):
    done, data, _ = told
    assert data["picked"] is True, (data["reason"], done.stderr)
    assert data["oracle_picked"] is True
    assert done.returncode == 0
    assert done.stderr == ""
    assert (data["reason"], data["outcome"]["reason"]) == ("", "done")


def test_it_says_what_the_demo_in_one_process_says(told):
    _, data, _ = told
    assert set(data) == {
        *("instruction", "phrase", "seed", "answer", "target", "outcome", "steps", "reason", "files"),
        *("oracle_picked", "picked"),
    }
    names = [step["name"] for step in data["steps"]]
    assert names[:5] == ["world", "nodes", "look 1", "ground 1", "locate 1"]
    assert names[-3:] == ["pick", "pictures", "oracle"]
    details = {step["name"]: step["detail"] for step in data["steps"]}
    assert details["pick"] == "approach, descend, grasp, lift"
    assert all(details[name].startswith("found, ") for name in names if name.startswith("ground"))
    assert data["answer"]["status"] == "found"
    assert data["target"]["frame_id"] == "base"


def test_its_pictures_are_those_that_came_over_the_topic(told):
    _, data, out = told
    assert [os.path.basename(path) for path in data["files"]] == FILES
    assert sorted(path.name for path in out.iterdir()) == sorted(FILES)
    assert Image.open(out / "before.png").size[0] >= 640
    assert Image.open(out / "film.webp").n_frames > 20


def test_a_node_that_does_not_come_up_is_an_error_with_its_last_words(tmp_path):
    demo = RosDemo(CHOICE, "pick up the red cup", SEED, lambda _: None)
    demo._graph = simulated_graph().with_values("sim", {"instruction": "pick up the elephant"})
    with pytest.raises(NodesFailedError, match="sim ended with status 2") as caught:
        demo.play(tmp_path)
    assert caught.value.code == ProcessEndedError.code
    assert any("elephant" in line for line in caught.value.lines)


def test_what_the_others_say_as_they_are_ended_does_not_push_out_why():
    demo = RosDemo(CHOICE, "pick up the red cup", SEED, lambda _: None)

    def ended() -> None:
        for number in range(1000):
            demo.hear(f"grounding | line {number} of a traceback")

    def fail() -> None:
        with contextlib.ExitStack() as graph, demo.last_words():
            graph.callback(ended)
            demo.hear("sim | no elephant")
            raise ProcessEndedError("sim ended with status 2")

    with pytest.raises(NodesFailedError) as caught:
        fail()
    assert caught.value.lines == ["sim | no elephant"]


def test_the_options_of_the_model_reach_the_node():
    graph = demo_graph(ModelChoice("some/folder", "float32", "cpu", 3), "pick up the red cup", 5)
    settings = graph.node("grounding").checked()
    assert (settings.model_path, settings.dtype, settings.threads) == ("some/folder", "float32", 3)
    assert graph.node("sim").checked().instruction == "pick up the red cup"


def test_without_ros_the_demo_runs_in_one_process_and_says_so():
    code = "import sys; sys.modules['rclpy'] = None; from kosmos_agent.cli._load import absent_ros; print(absent_ros())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "rclpy is not installed" in done.stdout
    assert "make setup" in done.stdout
