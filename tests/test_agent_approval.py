"""A person at a real terminal is asked before the arm moves, and what is typed there decides."""

import os
import pty
import select
import subprocess
import sys
import time

import pytest

PATIENCE_S = 120.0


def typed(words, folder):
    """What `kosmos-agent agent` shows until it ends, with `words` typed where it asks; and its exit code."""
    leader, terminal = pty.openpty()
    command = [sys.executable, "-m", "kosmos_agent", "agent", "--approve", "pick up the red cup", "--out", str(folder)]
    running = subprocess.Popen(command, stdin=terminal, stdout=terminal, stderr=terminal)
    os.close(terminal)
    shown, asked, end_s = "", False, time.monotonic() + PATIENCE_S
    try:
        while time.monotonic() < end_s and (chunk := read(leader)) is not None:
            shown += chunk
            if not asked and "Call pick_object" in shown and "[y/n]" in shown:
                os.write(leader, f"{words}\n".encode())
                asked = True
        return shown, running.wait(timeout=10)
    finally:
        running.kill()
        running.wait()
        os.close(leader)


def read(leader):
    """None once the other side has closed."""
    if not select.select([leader], [], [], 1.0)[0]:
        return ""
    try:
        return os.read(leader, 4096).decode(errors="replace") or None
    except OSError:
        return None


@pytest.mark.parametrize(
    ("words", "code", "said"), [("n", 1, "That was not approved"), ("y", 0, "I picked up the red cup")]
)
def test_what_a_person_types_is_obeyed(tmp_path, words, code, said):
    shown, ended = typed(words, tmp_path)
    assert said in " ".join(shown.split()), shown
    assert ended == code
