"""`kosmos-agent ros` as a user types it: what is refused before anything starts, and the graph as real processes."""

import importlib.util
import json
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from kosmos_ros.domains import free_domain_id
from kosmos_ros.environment import PROFILE_FILE, profile_path

from kosmos_agent.cli.app import main

HAS_ROS = importlib.util.find_spec("rclpy") is not None
needs_ros = pytest.mark.skipif(not HAS_ROS, reason="no ROS 2 here: neither its wheels nor a sourced installation")
NODES = ("sim", "grounding", "pick")


def run(capsys, *words):
    code = main(["ros", *words])
    said = capsys.readouterr()
    return code, said.out, said.err


def test_the_group_lists_its_commands_without_waiting_for_ros_or_torch():
    code = (
        "import sys; from kosmos_agent.cli.app import main; main(['ros', '--help']); "
        "sys.exit(bool({'torch', 'rclpy', 'kosmos_ros'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0
    assert all(name in done.stdout for name in ("up", "find", "pick", "doctor", "replay"))


@needs_ros
@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["--remap", "image_raw"], "FROM:=TO"),
        (["--remap", "colour:=/a"], "no node uses the name 'colour'"),
        (["--param", "grounding.max_results:=99"], "less than or equal to 64"),
        (["--param", "sim.seed:=1"], "no node 'sim'"),
        (["--seed", "3"], "together with --sim"),
        (["--phrase", " "], "valid"),
        (["--domain-id", "200"], "--domain-id"),
    ],
)
def test_what_no_node_has_is_one_line_before_anything_starts(capsys, words, part):
    code, out, err = run(capsys, "up", *words)
    assert (code, out) == (2, "")
    assert err.startswith("kosmos-agent: ")
    assert part in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    "words", [["up"], ["find", "the cup"], ["pick", "the cup"], ["doctor"]], ids=lambda words: words[0]
)
def test_without_ros_each_command_says_what_to_do(words):
    code = (
        "import sys; sys.modules['rclpy'] = None; from kosmos_agent.cli.app import main; "
        f"sys.exit(main(['ros', *{words}]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (2, "")
    assert "rclpy is not installed" in done.stderr
    assert "make setup" in done.stderr
    assert len(done.stderr.splitlines()) == 1


class Up:
    """`ros up` as a process; its lines as they come."""

    def __init__(self, domain_id, *words):
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kosmos_agent", "ros", "up", "--domain-id", str(domain_id), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST", "PYTHONUNBUFFERED": "1"},
        )
        self.lines, self.seen = queue.Queue(), []
        threading.Thread(
            target=lambda: [self.lines.put(line.rstrip()) for line in self.process.stdout], daemon=True
        ).start()

    def until(self, start, timeout_s=90.0):
        deadline_s = time.monotonic() + timeout_s
        while True:
            left_s = deadline_s - time.monotonic()
            assert left_s > 0, "\n".join(self.seen)
            try:
                self.seen.append(self.lines.get(timeout=left_s))
            except queue.Empty:
                continue
            if self.seen[-1].startswith(start):
                return self.seen[-1]

    def nodes(self):
        """Name -> process id."""
        listed = subprocess.run(
            ["ps", "-ww", "-o", "pid=,args=", "--ppid", str(self.process.pid)], capture_output=True, text=True
        )
        found = [line.split(maxsplit=1) for line in listed.stdout.splitlines()]
        return {name: int(pid) for pid, words in found for name in NODES if f"__node:={name} " in words + " "}

    def end(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(60)


def environment_of(pid):
    words = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return dict(word.decode().split("=", 1) for word in words if b"=" in word)


@needs_ros
@pytest.mark.skipif(importlib.util.find_spec("mujoco") is None, reason="no simulation here")
@pytest.mark.skipif(importlib.util.find_spec("kosmos_ros.pick_node") is None, reason="kosmos_ros.pick_node is absent")
def test_the_simulated_graph_comes_up_is_well_picks_though_a_node_is_killed_and_goes_down(capsys, monkeypatch):
    monkeypatch.setenv("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
    domain_id = free_domain_id()
    patient = ("--param", "pick.answer_timeout_sec:=120")
    up = Up(domain_id, "--sim", "--seed", "7", "--param", "grounding.threads:=1", *patient)
    try:
        assert f"domain {domain_id};" in up.until("up: /sim, /grounding, /pick")
        nodes = up.nodes()
        assert set(nodes) == set(NODES)
        assert {environment_of(pid)[PROFILE_FILE] for pid in nodes.values()} == {str(profile_path())}

        code, out, err = run(capsys, "doctor", "--domain-id", str(domain_id), "--json")
        report = json.loads(out)
        assert [item for item in report["findings"] if item["level"] == "fault"] == [], err
        assert (code, report["ok"]) == (0, True)

        code, out, err = run(capsys, "find", "the red cup", "--domain-id", str(domain_id), "--json", "--timeout", "60")
        assert code == 0, err
        assert json.loads(out)["targets"][0]["frame_id"] == "base"

        os.kill(nodes["grounding"], signal.SIGKILL)
        up.until("grounding | was ended by SIGKILL; it is started again in 1 s")
        code, out, err = run(capsys, "pick", "the red cup", "--domain-id", str(domain_id), "--json", "--timeout", "150")
        assert code == 0, out + err
        assert json.loads(out)["status"] == "picked"
        up.until("grounding: active")
        again = up.nodes()
        assert again["grounding"] != nodes["grounding"]
        assert (again["sim"], again["pick"]) == (nodes["sim"], nodes["pick"])
    finally:
        assert up.end() == 0
    up.until("down")
    assert up.nodes() == {}


@needs_ros
def test_a_node_that_cannot_start_ends_the_graph_with_its_own_words():
    up = Up(free_domain_id(), "--sim", "--param", "sim.instruction:=pick up the elephant")
    up.until("down: sim ended with status 2")
    assert any("elephant" in line for line in up.seen)
    assert up.process.wait(30) == 1
