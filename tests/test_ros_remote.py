"""The grounding node with its model in another process: the same answers over the graph, and errors at `configure`."""

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import serving_engine as scripts
from action_msgs.msg import GoalStatus
from kosmos_ros import answers
from kosmos_ros.models import load_grounder
from kosmos_ros.settings import GroundingSettings
from ros_robot import grounder, robot_of, table

from kosmos_agent.errors import InvalidArgumentError, UnauthorizedError, UnreachableError
from kosmos_agent.serving.local_engine import LocalEngine
from kosmos_agent.serving.looking import ModelLooker
from kosmos_agent.serving.server import WayIn
from kosmos_agent.serving.worker import Worker

TOKEN = "a-token-of-the-tests"  # noqa: S105


@pytest.fixture(scope="module")
def server():
    with scripts.serving(LocalEngine(lambda: Worker(ModelLooker(grounder())))) as made:
        yield made


def answered(robot):
    robot.shoot()
    status, result = robot.result(robot.ask(table().phrase))
    assert status == GoalStatus.STATUS_SUCCEEDED, result.reason.message
    return result.grounding


def test_a_node_answers_alike_wherever_its_model_is(tmp_path, server):
    remote = load_grounder(GroundingSettings(model_path=server.url))
    with robot_of(tmp_path) as robot:
        own = answered(robot)
    with robot_of(tmp_path, load=lambda _: remote) as robot:
        others = answered(robot)
    assert others.status == own.status
    assert others.model == own.model, "that of the server's model"
    mine, theirs = answers.grounding_from_message(own), answers.grounding_from_message(others)
    assert theirs.best.box.corners == pytest.approx(mine.best.box.corners, abs=1e-3)
    assert theirs.presence == pytest.approx(mine.presence, abs=1e-3)
    assert len(others.targets) == len(own.targets) > 0


def test_what_cannot_be_reached_is_said_when_the_node_is_configured():
    with pytest.raises(UnreachableError, match="nothing answers at"):
        load_grounder(GroundingSettings(model_path="http://127.0.0.1:9"))
    with pytest.raises(InvalidArgumentError, match="valid with an address: auto"):
        load_grounder(GroundingSettings(model_path="http://127.0.0.1:9", zoom="never"))


def test_the_token_comes_from_the_environment_or_a_file_that_it_names(monkeypatch, tmp_path):
    engine, shown = scripts.ScriptedEngine(), table().seen.rgb
    (tmp_path / "token").write_text(TOKEN)
    with scripts.serving(engine, WayIn(port=0, token=TOKEN)) as guarded:
        settings = GroundingSettings(model_path=guarded.url)
        monkeypatch.setenv("KOSMOS_SERVE_TOKEN", TOKEN)
        assert load_grounder(settings).view(shown).find("the cup").status == "found"
        monkeypatch.setenv("KOSMOS_SERVE_TOKEN", "another-token-altogether")
        with pytest.raises(UnauthorizedError):
            load_grounder(settings).view(shown).find("the cup")
        monkeypatch.setenv("KOSMOS_SERVE_TOKEN_FILE", str(tmp_path / "token"))
        assert load_grounder(settings).view(shown).find("the cup").status == "found"
    assert TOKEN not in repr(settings)
