"""One goal at a time, also where one that was accepted never begins."""

from kosmos_ros.turn import RESERVED_S, Turn


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


def test_one_at_a_time():
    turn = Turn()
    assert turn.reserve()
    assert not turn.reserve()
    assert turn.begin()
    assert not turn.reserve()
    turn.end()
    assert turn.reserve()


def test_a_goal_that_never_begins_does_not_keep_the_turn():
    clock = Clock()
    turn = Turn(clock)
    assert turn.reserve()
    clock.now_s += RESERVED_S - 0.01
    assert not turn.reserve()
    clock.now_s += 0.02
    assert turn.reserve()
    assert turn.begin()
    assert not turn.begin(), "the first one comes after all, too late"


def test_a_goal_at_work_keeps_it_however_long():
    clock = Clock()
    turn = Turn(clock)
    assert turn.reserve()
    assert turn.begin()
    clock.now_s += 1000 * RESERVED_S
    assert not turn.reserve()
    assert not turn.begin()


def test_once_closed_nothing_begins():
    turn = Turn()
    assert turn.reserve()
    assert turn.close(0.0)
    assert not turn.begin()
    assert not turn.reserve()
    busy = Turn()
    assert busy.begin()
    assert not busy.close(0.01)
    busy.end()
    assert busy.close(0.01)
