"""A real lifecycle node brought up over its services, from a session of its own."""

import os
import threading
import time
from contextlib import contextmanager

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

import rclpy
from kosmos_ros.errors import LifecycleError, NoServerError, ProcessEndedError
from kosmos_ros.lifecycle import bring_up, state_of
from kosmos_ros.session import open_session
from lifecycle_msgs.srv import GetState
from rclpy.executors import MultiThreadedExecutor
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from ros_domain import own_domain_id

from kosmos_agent.errors import GoalTimeoutError

SUCCESS, FAILURE = TransitionCallbackReturn.SUCCESS, TransitionCallbackReturn.FAILURE


class Staged(LifecycleNode):
    """Counts its transitions; `configures` and `activates` are what they come to, one for each attempt."""

    def __init__(self, name, context, configures=(), activates=(), takes_s=0.0):
        super().__init__(name, context=context, use_global_arguments=False)
        self.configures, self.activates, self.takes_s = list(configures), list(activates), takes_s
        self.course = []

    def on_configure(self, state):
        self.course.append("configure")
        time.sleep(self.takes_s)
        return self.configures.pop(0) if self.configures else SUCCESS

    def on_activate(self, state):
        self.course.append("activate")
        return self.activates.pop(0) if self.activates else super().on_activate(state)


@pytest.fixture(scope="module")
def domain_id(tmp_path_factory):
    os.environ["ROS_AUTOMATIC_DISCOVERY_RANGE"] = "LOCALHOST"
    os.environ["ROS_LOG_DIR"] = str(tmp_path_factory.mktemp("log"))
    return own_domain_id()


@pytest.fixture(scope="module")
def session(domain_id):
    with open_session(domain_id) as session:
        yield session


@pytest.fixture(scope="module")
def spinning(domain_id):
    """Gives a context manager that spins a node of this process on a thread."""
    context = rclpy.Context()
    rclpy.init(args=[], context=context, domain_id=domain_id)

    @contextmanager
    def spin(make):
        node = make(context)
        executor = MultiThreadedExecutor(2, context=context)
        executor.add_node(node)
        thread = threading.Thread(target=executor.spin, daemon=True)
        thread.start()
        try:
            yield node
        finally:
            executor.shutdown()
            thread.join()
            node.destroy_node()

    yield spin
    rclpy.shutdown(context=context)


def test_a_new_node_is_configured_and_activated_and_an_active_one_left_alone(session, spinning):
    with spinning(lambda context: Staged("fresh", context)) as node:
        assert state_of(session, "/fresh") == "unconfigured"
        bring_up(session, "/fresh", 20.0)
        assert state_of(session, "/fresh") == "active"
        assert node.course == ["configure", "activate"]
        bring_up(session, "/fresh", 20.0)
        assert node.course == ["configure", "activate"]


def test_an_inactive_node_is_only_activated(session, spinning):
    with spinning(lambda context: Staged("half", context)) as node:
        node.trigger_configure()
        bring_up(session, "/half", 20.0)
        assert node.course == ["configure", "activate"]


def test_a_slow_configure_is_waited_for_and_asked_for_once(session, spinning):
    with spinning(lambda context: Staged("slow", context, takes_s=3.0)) as node:
        bring_up(session, "/slow", 60.0)
        assert node.course == ["configure", "activate"]


def test_a_refusal_is_an_error_that_names_the_step(session, spinning):
    with (
        spinning(lambda context: Staged("unwilling", context, configures=[FAILURE])),
        pytest.raises(LifecycleError, match="/unwilling would not configure: it stays unconfigured"),
    ):
        bring_up(session, "/unwilling", 20.0)
    with (
        spinning(lambda context: Staged("lame", context, activates=[FAILURE])),
        pytest.raises(LifecycleError, match="/lame would not activate: it stays inactive"),
    ):
        bring_up(session, "/lame", 20.0)


def test_a_node_past_its_end_cannot_come_back(session, spinning):
    with spinning(lambda context: Staged("done", context)) as node:
        node.trigger_shutdown()
        with pytest.raises(LifecycleError, match="finalized"):
            bring_up(session, "/done", 20.0)


def test_nobody_is_waited_for_in_vain(session):
    with pytest.raises(NoServerError, match=r"nobody serves /nobody/get_state after 0\.\d* s"):
        bring_up(session, "/nobody", server_timeout_s=0.2)
    with pytest.raises(ProcessEndedError, match="its process died"):
        bring_up(session, "/nobody", server_timeout_s=60.0, unless=lambda: "its process died")


def test_an_answer_that_does_not_come_is_a_coded_error(session, spinning):
    with spinning(lambda context: Staged("busy", context, takes_s=1.5)) as node:
        working = threading.Thread(target=node.trigger_configure)
        node.create_service(GetState, "~/never", lambda *_: time.sleep(1.0) or GetState.Response())
        working.start()
        with pytest.raises(GoalTimeoutError, match=r"no answer from /busy/never within 0\.1 s"):
            session.call(GetState, "/busy/never", GetState.Request(), 0.1)
        working.join()
