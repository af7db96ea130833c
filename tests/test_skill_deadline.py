"""A call ends by its own time limit or by its caller, and says which."""

import threading

import pytest

from kosmos_agent.errors import CancelledError, GoalTimeoutError, KosmosAgentError, NoImageError
from kosmos_agent.robot.cancel import CancelToken
from kosmos_agent.skills.deadline import Deadline

LONG_S = 1000.0


def ended(deadline, *steps):
    """The steps in turn within the limit."""
    with deadline:
        for step in steps:
            step()


def test_in_time_nothing_happens_and_no_timer_is_left():
    before = threading.active_count()
    with Deadline(LONG_S) as deadline:
        assert not deadline.should_stop()
        deadline.check()
        assert 0 < deadline.remaining_s <= LONG_S
    assert not deadline.expired
    deadline._timer.join(10)
    assert threading.active_count() <= before


def test_the_limit_cancels_and_is_stated():
    deadline = Deadline(0.01)
    with pytest.raises(GoalTimeoutError, match=r"the time limit of 0\.01 s ran out"):
        ended(deadline, lambda: deadline.token.wait(30), deadline.check)
    assert deadline.should_stop()
    assert deadline.remaining_s > 0


def test_the_callers_cancel_keeps_its_own_reason():
    cancel = CancelToken()
    deadline = Deadline(LONG_S, cancel)
    with pytest.raises(CancelledError, match="enough"):
        ended(deadline, lambda: cancel.cancel("enough"), deadline.check)
    assert not deadline.expired


def test_a_cancel_before_the_limit_stays_a_cancel_when_the_limit_comes():
    cancel = CancelToken()
    deadline = Deadline(LONG_S, cancel)
    with pytest.raises(CancelledError, match="enough"):
        ended(deadline, lambda: cancel.cancel("enough"), deadline._expire, deadline.check)
    assert not deadline.expired


def test_once_cancelled_it_does_not_begin():
    cancel = CancelToken()
    cancel.cancel("no longer wanted")
    with pytest.raises(CancelledError, match="no longer wanted"), Deadline(LONG_S, cancel):
        pytest.fail("it began")


@pytest.mark.parametrize("error", [NoImageError("none"), ValueError("other")])
def test_other_errors_pass_even_when_the_time_is_over(error):
    def fail():
        raise error

    deadline = Deadline(LONG_S)
    with pytest.raises(type(error)) as raised:
        ended(deadline, deadline._expire, fail)
    assert raised.value is error


def test_an_answer_that_came_just_in_time_stands():
    with Deadline(LONG_S) as deadline:
        deadline._expire()
    assert deadline.expired
    with pytest.raises(KosmosAgentError):
        deadline.check()
