"""The grounding node is killed and started again while the pick node waits for it."""

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")
pytest.importorskip("kosmos_interfaces", reason="kosmos_interfaces is not built here")

import signal

from action_msgs.msg import GoalStatus
from kosmos_interfaces.action import Pick
from ros_graph import graph
from ros_peer_process import start_peer
from ros_pick_peers import until
from ros_pick_scene import scene_of


def test_a_grounding_node_killed_while_it_waits_and_started_again(tmp_path):
    """Killed while a goal is at work there; the newcomer is asked again, and the thing is picked."""
    peers = [start_peer("hold", "1")]
    try:
        with (
            graph(tmp_path) as (context, _),
            scene_of(context, with_eyes=False, answer_timeout_sec=120.0) as scene,
        ):
            handle = scene.client.send("the red cup")
            until(lambda: Pick.Feedback.GROUND in [item.phase for item in scene.client.feedback], 60)
            peers[0].send_signal(signal.SIGKILL)
            peers[0].wait(30)
            assert not scene.arm.targets
            peers.append(start_peer("answer", "2"))
            status, result = scene.client.result(handle)
    finally:
        for peer in peers:
            peer.kill()
            peer.wait(30)
    assert (status, result.outcome) == (GoalStatus.STATUS_SUCCEEDED, Pick.Result.PICKED)
    assert result.target[0].id == "2", "where the newcomer saw it"
