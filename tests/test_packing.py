"""The thread that packs weights: how it takes its place beside the threads that answer."""

import os
import subprocess
import sys
import threading

import pytest
from tiny_kosmos import tiny_model

from kosmos_agent.model import packing

linux = pytest.mark.skipif(sys.platform != "linux", reason="niceness of a thread, and /proc")


def niceness_after_standing_back(start):
    """Of a thread that began with `start`; a thread may always become nicer."""
    seen = []

    def stand_back():
        own = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, own, start)
        packing._stand_back()
        seen.append(os.getpriority(os.PRIO_PROCESS, own))

    thread = threading.Thread(target=stand_back)
    thread.start()
    thread.join()
    return seen


@linux
@pytest.mark.parametrize(("start", "expected"), [(6, 16), (15, 19), (19, 19)])
def test_the_thread_becomes_nicer_than_it_was_and_never_less_nice(start, expected):
    if os.getpriority(os.PRIO_PROCESS, 0) > start:
        pytest.skip("these tests run nicer than that")
    assert niceness_after_standing_back(start) == [expected]


@linux
def test_a_niceness_that_is_refused_does_not_end_the_thread(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(packing.os, "setpriority", refuse)
    packing._stand_back()


_PACKS = """
import os, threading, torch
from kosmos_agent.model.packing import _stand_back
torch.set_num_threads(1)
def pack():
    _stand_back()
    before = set(os.listdir("/proc/self/task"))
    torch.ones(1 << 22).mul_(2.0)
    print(len(set(os.listdir("/proc/self/task")) - before))
thread = threading.Thread(target=pack)
thread.start()
thread.join()
"""


@linux
def test_the_thread_takes_as_many_processors_as_the_program_lets_torch_have():
    environment = {**os.environ, "OMP_NUM_THREADS": "4"}
    done = subprocess.run([sys.executable, "-c", _PACKS], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["0"], "no further thread was started"


@pytest.mark.parametrize("line", range(4))
def test_a_second_thread_may_pass_between_any_two_steps_of_the_first(line):
    """Replayed in one thread: behind the given number of lines of the hook another pass comes in between."""
    model = tiny_model(1)
    answered = packing._after_passes(model, 2)
    hooks = model.text_model.model._forward_hooks
    (hook,) = hooks.values()
    lines = iter(range(100))

    def between(frame, event, _):
        if frame.f_code is hook.__code__ and event == "line" and next(lines) == line:
            sys.settrace(None)
            hook()
        return between

    hook()
    assert not answered.is_set()
    before = sys.gettrace()
    sys.settrace(between)
    try:
        hook()
    finally:
        sys.settrace(before)
    assert answered.is_set()
    assert not hooks
