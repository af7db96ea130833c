"""A goal's events come in an order that those who follow them can rely on."""

from types import SimpleNamespace

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

from action_msgs.msg import GoalStatus
from kosmos_ros.goal_calls import GoalCall


class Answer:
    """A future that is done."""

    def __init__(self, value):
        self._value = value

    def result(self):
        return self._value


class Handle:
    """Of a goal that the server took or did not take."""

    def __init__(self, accepted=True):
        self.accepted, self.cancels, self.ends = accepted, 0, []

    def cancel_goal_async(self):
        self.cancels += 1

    def get_result_async(self):
        return SimpleNamespace(add_done_callback=self.ends.append)


def kinds(call):
    found = []
    while (event := call.next(0)) is not None:
        found.append(event.kind)
    return found


def test_words_that_overtake_the_acceptance_come_after_it():
    call = GoalCall(frozenset())
    call.heard(SimpleNamespace(feedback="looking"))
    call.answered(Answer(Handle()))
    call.heard(SimpleNamespace(feedback="moving"))
    call.ended(Answer(SimpleNamespace(status=GoalStatus.STATUS_SUCCEEDED, result="held")))
    assert kinds(call) == ["accepted", "feedback", "feedback", "ended"]


def test_a_goal_that_is_not_taken_is_rejected_alone():
    call = GoalCall(frozenset())
    call.answered(Answer(Handle(accepted=False)))
    assert kinds(call) == ["rejected"]


def test_one_dropped_before_the_answer_is_cancelled_when_it_comes():
    call, handle = GoalCall(frozenset()), Handle()
    call.drop()
    call.answered(Answer(handle))
    assert handle.cancels == 1


def test_a_result_of_nobodys_goal_is_forgotten():
    call = GoalCall(frozenset())
    call.answered(Answer(Handle()))
    call.ended(Answer(SimpleNamespace(status=GoalStatus.STATUS_UNKNOWN, result=None)))
    assert kinds(call) == ["accepted", "forgotten"]
