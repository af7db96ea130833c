"""Whether replicas run: as was heard a moment ago, and no longer than that."""

from kosmos_agent.serving.replica_watch import ReplicaWatch


class Clock:
    now_s = 100.0

    def __call__(self):
        return self.now_s


class Counter:
    """How many run, or an exception."""

    def __init__(self, *script):
        self.script = list(script)

    def __call__(self):
        outcome = self.script.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_one_that_runs_is_enough_and_none_is_not():
    watch = ReplicaWatch(Counter(1, 0, 2))
    assert not watch.any_running
    for expected in (True, False, True):
        watch.look()
        assert watch.any_running is expected


def test_what_was_heard_is_not_believed_for_ever():
    clock = Clock()
    watch = ReplicaWatch(Counter(2, ConnectionError("the cluster is gone"), 2), now_s=clock)
    watch.look()
    clock.now_s += 2
    watch.look()
    assert watch.any_running, "one look that failed says nothing yet"
    clock.now_s += 9
    assert not watch.any_running
    watch.look()
    assert watch.any_running


def test_once_stopped_it_is_not_running():
    watch = ReplicaWatch(lambda: 1)
    watch.start()
    assert watch.any_running
    watch.stop()
    assert not watch.any_running
