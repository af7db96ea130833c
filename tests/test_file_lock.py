"""A lock that one process holds keeps others waiting, and goes with it."""

import errno
import fcntl
import subprocess
import sys
import threading
import time

import pytest

from kosmos_agent.file_lock import held

_HOLDER = """
import sys
from pathlib import Path
from kosmos_agent.file_lock import held
with held(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def is_free(path):
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def test_another_process_holds_it_until_it_ends(tmp_path):
    path = tmp_path / "lock"
    command = [sys.executable, "-c", _HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "held\n"
        assert not is_free(path)
        child.kill()
        with held(path):
            assert not is_free(path), "what was waited for is ours"
    assert is_free(path)


def test_threads_of_one_process_keep_each_other_out(tmp_path):
    inside = []

    def enter(name):
        with held(tmp_path / "lock"):
            inside.append(f"{name} in")
            time.sleep(0.02)
            inside.append(f"{name} out")

    threads = [threading.Thread(target=enter, args=[name]) for name in "abc"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(inside[k][0] == inside[k + 1][0] for k in range(0, len(inside), 2))


def test_a_drive_without_locks_is_used_without(tmp_path, monkeypatch):
    def fails(code):
        def flock(*_):
            raise OSError(code, "flock")

        return flock

    monkeypatch.setattr(fcntl, "flock", fails(errno.ENOLCK))
    with held(tmp_path / "lock"):
        pass
    monkeypatch.setattr(fcntl, "flock", fails(errno.EIO))
    with pytest.raises(OSError, match="flock"), held(tmp_path / "lock"):
        pass


def test_an_error_inside_lets_go_and_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(KeyError), held(tmp_path / "lock"):
        raise KeyError
    assert is_free(tmp_path / "lock")
    with pytest.raises(FileNotFoundError), held(tmp_path / "nowhere" / "lock"):
        pass
