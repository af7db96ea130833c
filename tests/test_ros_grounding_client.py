"""The client of the grounding node: a node that is missing, not active, killed, started again, or answers nonsense."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")
pytest.importorskip("kosmos_interfaces", reason="kosmos_interfaces is not built here")

import rclpy
from action_msgs.msg import GoalStatus
from kosmos_interfaces.action import Ground
from kosmos_interfaces.msg import Grounding
from kosmos_ros.errors import NoServerError, NotActiveError, RemoteError
from kosmos_ros.goal_calls import GoalCall
from kosmos_ros.grounding_client import GroundingClient, _heard
from rclpy.task import Future
from ros_graph import graph
from ros_peer_process import start_peer
from ros_pick_peers import NOTHING, ScriptedGrounding, Seen, Spun, until
from ros_wild import Wild

from kosmos_agent.errors import CancelledError, GoalTimeoutError, InvalidArgumentError, KosmosAgentError, NoDepthError
from kosmos_agent.robot.cancel import CancelToken


class Scene:
    def __init__(self, context, pool):
        self.context, self.pool = context, pool
        self.servers, self.askers = {}, []

    def serve(self, *script):
        server = ScriptedGrounding(self.context)
        server.script = list(script)
        self.servers[server] = Spun(self.context, server.node)
        return server

    def end(self, server):
        """As if killed: a goal at work is never answered."""
        spun = self.servers.pop(server)
        spun.stop()
        server.gone = True
        server.server.destroy()
        spun.close()

    def client(self, action="/grounding/ground", **options):
        node = rclpy.create_node(f"asker_{len(self.askers)}", context=self.context)
        client = GroundingClient(node, action, **options)
        self.askers.append(Spun(self.context, node))
        return client


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    with graph(tmp_path_factory.mktemp("log")) as (context, _), ThreadPoolExecutor(2) as pool:
        scene = Scene(context, pool)
        yield scene
        for spun in scene.askers:
            spun.close()


@pytest.fixture
def scene(made):
    yield made
    for server in list(made.servers):
        made.end(server)


def find(client, **options):
    return client.find("the red cup", **{"target_frame": "base", "timeout_s": 30.0, **options})


def test_what_it_hears_is_answer_targets_header_and_age(scene):
    server = scene.serve(Seen(ids=("3",)))
    phases = []
    heard = find(scene.client(), on_phase=phases.append)
    assert (heard.answer.status, heard.answer.phrase, heard.image_age_s) == ("found", "the red cup", 0.1)
    assert (heard.targets[0].track_id, heard.targets[0].target.frame_id) == ("3", "base")
    assert heard.header.frame_id == "camera_optical_frame"
    assert heard.target_error is None
    assert phases == [phase for phase in ("waiting_for_image", "encoding", "grounding", "locating") if phase in phases]
    (asked,) = server.asked
    assert (asked.want_3d, asked.target_frame, asked.task) == (True, "base", Ground.Goal.FIND)
    assert 0 < asked.timeout.sec <= 30


def test_why_there_are_no_targets_is_kept(scene):
    scene.serve(Seen(places=(None,)), NOTHING)
    assert find(scene.client()).target_error.code == "no_depth"
    assert find(scene.client()).answer.status == "not_found"


def test_the_nodes_own_code_is_passed_on(scene):
    scene.serve(Seen(error=NoDepthError("too few readings")))
    with pytest.raises(RemoteError, match="too few readings") as caught:
        find(scene.client())
    assert caught.value.code == "no_depth"


def test_nobody_there_is_an_error_that_says_so(scene):
    with pytest.raises(NoServerError, match=r"serves '/nobody/ground' after 0\.3 s"):
        find(scene.client("/nobody/ground", answer_timeout_s=0.3))
    with pytest.raises(GoalTimeoutError, match="that were left"):
        find(scene.client("/nobody/ground"), timeout_s=0.3)


def test_a_node_that_never_answers_does_not_hang_it(scene):
    server = scene.serve(Seen(hold=True))
    with pytest.raises(GoalTimeoutError, match=r"did not answer within 0\.5 s"):
        find(scene.client(answer_timeout_s=0.5))
    until(lambda: server.cancelled == 1)


def test_a_cancel_is_forwarded_and_waits_for_nobody(scene):
    server, token = scene.serve(Seen(hold=True)), CancelToken()
    asking = scene.pool.submit(find, scene.client(), cancel=token)
    until(lambda: server.asked)
    token.cancel("enough")
    with pytest.raises(CancelledError, match="enough"):
        asking.result(30)
    until(lambda: server.cancelled == 1)


def test_a_node_that_is_not_active_yet_is_asked_again(scene):
    server = scene.serve(Seen())
    server.reject = 3
    assert find(scene.client()).answer.status == "found"
    server.reject = 10**6
    with pytest.raises(NotActiveError, match="activate the node"):
        find(scene.client(answer_timeout_s=0.5))


def test_a_node_that_is_deactivated_midway_is_asked_again(scene):
    scene.serve(Seen(error=NotActiveError("the node was deactivated")), Seen())
    assert find(scene.client()).answer.status == "found"


def test_a_node_that_ends_and_comes_back_is_asked_again(scene):
    first = scene.serve(Seen(hold=True))
    asking = scene.pool.submit(find, scene.client())
    until(lambda: first.asked)
    scene.end(first)
    second = scene.serve(Seen(ids=("2",)))
    assert asking.result(30).targets[0].track_id == "2"
    assert len(second.asked) == 1


def test_a_newcomer_that_knows_nothing_of_the_goal_gives_no_answer():
    """It answers for a goal of its predecessor with an empty result of unknown state."""
    call, answer = GoalCall(frozenset()), Future()
    answer.set_result(Ground.Impl.GetResultService.Response(status=GoalStatus.STATUS_UNKNOWN))
    call.ended(answer)
    assert call.events.get_nowait().kind == "forgotten"


def test_a_node_that_ends_for_good_is_an_error(scene):
    server = scene.serve(Seen(hold=True))
    asking = scene.pool.submit(find, scene.client(answer_timeout_s=2.0))
    until(lambda: server.asked)
    scene.end(server)
    with pytest.raises((NoServerError, GoalTimeoutError)):
        asking.result(30)


def test_a_node_killed_and_started_again_is_asked_again(scene):
    """Killed, it is listed in the graph for some 20 s more: only the newcomer tells."""
    client, peers = scene.client(), [start_peer("hold", "1")]
    try:
        until(client._caller.ready, 60)
        phases = []
        asking = scene.pool.submit(find, client, timeout_s=60.0, on_phase=phases.append)
        until(lambda: phases)
        peers[0].send_signal(signal.SIGKILL)
        peers[0].wait(30)
        peers.append(start_peer("answer", "2"))
        assert asking.result(60).targets[0].track_id == "2"
    finally:
        for peer in peers:
            peer.kill()
            peer.wait(30)


def test_what_no_grounding_node_can_answer_is_an_error():
    with pytest.raises(InvalidArgumentError, match="neither an answer nor a reason"):
        _heard(Ground.Result())
    nonsense = Grounding(status=Grounding.FOUND, image_width=64, image_height=48, presence=7.0)
    with pytest.raises(InvalidArgumentError, match="presence"):
        _heard(Ground.Result(grounding=nonsense))


def test_whatever_a_node_answers_is_an_answer_or_a_coded_error():
    wild, ends = Wild(5), set()
    for _ in range(1000):
        try:
            heard = _heard(wild.result())
            ends.add(heard.answer.status)
        except KosmosAgentError as error:
            ends.add(error.code)
    assert "invalid_argument" in ends


def test_its_limits_are_checked():
    with pytest.raises(InvalidArgumentError, match="above 0"):
        GroundingClient(None, answer_timeout_s=0.0)
