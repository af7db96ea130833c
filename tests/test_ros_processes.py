"""Programs as processes: started, heard, started again, ended. Trivial programs, real processes."""

import os
import signal
import socket
import sys
import time

import pytest
from kosmos_ros.domains import free_domain_id, listening_ports
from kosmos_ros.environment import MAX_DOMAIN_ID
from kosmos_ros.processes import Processes, Program, ending

# Waits until it is told to end, as our nodes do, whatever the test was started from ignores.
GOOD = """
import signal, sys, threading
end = threading.Event()
signal.signal(signal.SIGINT, lambda *_: end.set())
print("ready", sys.argv[1:], flush=True)
end.wait()
print("bye", flush=True)
"""
DEAF = """
import signal, time
signal.signal(signal.SIGINT, signal.SIG_IGN)
print("ready", flush=True)
time.sleep(600)
"""
SHORT = """
import sys
print("once", flush=True)
sys.exit(int(sys.argv[1]))
"""


@pytest.fixture
def program(tmp_path):
    """Makes a module that `python -m` finds, and gives a Program of it and the environment for it."""

    def make(name, code, *arguments):
        (tmp_path / f"child_{name}.py").write_text(code)
        return Program(name, f"child_{name}", tuple(arguments))

    return make


@pytest.fixture
def environment(tmp_path):
    return {**os.environ, "PYTHONPATH": str(tmp_path)}


def wait_for(condition, timeout_s=20.0):
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come true"
        time.sleep(0.02)


def is_alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_programs_are_heard_with_their_names_and_end_when_told(program, environment):
    lines = []
    first, second = program("one", GOOD, "a b", "$HOME; ls"), program("longer", GOOD)
    with Processes([first, second], environment, lines.append) as processes:
        assert {processes.event(20).name, processes.event(20).name} == {"one", "longer"}
        wait_for(lambda: sum("ready" in line for line in lines) == 2)
        pids = [processes.pid("one"), processes.pid("longer")]
        assert all(os.getpgid(pid) == pid for pid in pids), "each leads a group of its own"
    assert "   one | ready ['a b', '$HOME; ls']" in lines, "no shell has read the words"
    assert "longer | ready []" in lines
    assert sum(line.endswith("| bye") for line in lines) == 2
    assert not any(is_alive(pid) for pid in pids)


def test_what_does_not_heed_the_signal_is_killed_and_that_is_said(program, environment):
    lines = []
    with Processes([program("deaf", DEAF)], environment, lines.append, grace_s=0.3) as processes:
        wait_for(lambda: "deaf | ready" in lines)
        pid = processes.pid("deaf")
    assert not is_alive(pid)
    assert "deaf | does not end; it is killed" in lines


def test_a_program_that_dies_is_told_once_and_not_started_again_unasked(program, environment):
    lines = []
    with Processes([program("short", SHORT, "3")], environment, lines.append) as processes:
        assert processes.event(20).kind == "started"
        event = processes.event(20)
        assert (event.kind, event.name, event.words) == ("ended", "short", "ended with status 3")
        assert not processes.running("short")
        assert processes.ended == {"short": "ended with status 3"}
        assert processes.event(0.2) is None
    assert "short | once" in lines


def test_a_killed_program_is_started_again_as_a_new_process(program, environment):
    lines = []
    processes = Processes([program("one", GOOD)], environment, lines.append, restart=True, first_delay_s=0.05)
    with processes:
        assert processes.event(20).kind == "started"
        first = processes.pid("one")
        os.kill(first, signal.SIGKILL)
        assert processes.event(20).kind == "started"
        assert processes.pid("one") not in (None, first)
    assert "one | was ended by SIGKILL; it is started again in 0.05 s" in lines


def test_the_delay_doubles(program, environment):
    lines = []
    with Processes([program("short", SHORT, "1")], environment, lines.append, restart=True, first_delay_s=0.02):
        wait_for(lambda: any("0.16 s" in line for line in lines))
    said = [line for line in lines if "started again" in line]
    assert [line.rpartition(" in ")[2] for line in said[:4]] == ["0.02 s", "0.04 s", "0.08 s", "0.16 s"]


@pytest.mark.parametrize("status", ["0", "2"])
def test_what_could_not_start_or_was_told_to_end_stays_ended(program, environment, status):
    with Processes([program("short", SHORT, status)], environment, print, restart=True) as processes:
        assert [processes.event(20).kind, processes.event(20).kind] == ["started", "ended"]


def test_stopping_while_a_restart_waits_ends_the_wait(program, environment):
    lines = []
    processes = Processes([program("short", SHORT, "1")], environment, lines.append, restart=True, first_delay_s=500)
    with processes:
        wait_for(lambda: any("started again in 500 s" in line for line in lines))
    assert lines.count("short | once") == 1


def test_a_child_of_a_killed_program_goes_with_it(program, environment):
    lines = []
    code = f"""
import subprocess, sys, time, signal
signal.signal(signal.SIGINT, signal.SIG_IGN)
child = subprocess.Popen([{sys.executable!r}, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""
    with Processes([program("parent", code)], environment, lines.append, grace_s=0.2):
        wait_for(lambda: lines)
        child = int(lines[0].rpartition(" ")[2])
        assert is_alive(child)
    wait_for(lambda: not is_alive(child) or _is_zombie(child))


def _is_zombie(pid):
    with open(f"/proc/{pid}/stat") as file:
        return file.read().rpartition(")")[2].split()[0] == "Z"


def test_a_line_without_an_end_is_cut(program, environment):
    lines = []
    code = "print('x' * 10000, flush=True)"
    with Processes([program("long", code)], environment, lines.append) as processes:
        assert [processes.event(20).kind, processes.event(20).kind] == ["started", "ended"]
    assert max(map(len, lines)) < 5000
    assert sum(line.count("x") for line in lines) == 10000


@pytest.mark.parametrize(
    ("status", "words"), [(0, "status 0"), (1, "status 1"), (-9, "SIGKILL"), (-11, "SIGSEGV"), (-200, "signal 200")]
)
def test_endings_have_words(status, words):
    assert words in ending(status)


def test_a_domain_in_which_somebody_listens_is_passed_over():
    first = free_domain_id(first=60)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as held:
        held.bind(("", listening_ports(first)[1]))
        second = free_domain_id(first=first)
    assert second != first
    assert 1 <= second <= MAX_DOMAIN_ID


def test_domains_are_looked_for_round_to_the_first():
    assert 1 <= free_domain_id(first=MAX_DOMAIN_ID) <= MAX_DOMAIN_ID
    assert max(listening_ports(MAX_DOMAIN_ID)) < 32768, "above it, Linux gives the ports to anybody"
