"""Another DDS, by other people, decodes what we publish: the detections of the grounding node and a status."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from kosmos_ros import environment
from kosmos_ros.domains import free_domain_id

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")
pytest.importorskip("cyclonedds")

HERE = Path(__file__).parent
STATUS = "picked: the cup is in the hand (Wörter, 12 %)"
# Cyclone looks on every interface but loopback, and ROS 2 with LOCALHOST listens there alone.
LOOPBACK = (
    "<CycloneDDS><Domain><General><Interfaces><NetworkInterface name='lo'/></Interfaces>"
    "<AllowMulticast>false</AllowMulticast></General><Discovery><ParticipantIndex>auto</ParticipantIndex>"
    "<MaxAutoParticipantIndex>32</MaxAutoParticipantIndex><Peers><Peer address='127.0.0.1'/></Peers></Discovery>"
    "</Domain></CycloneDDS>"
)


def lines(text, kind):
    said = [json.loads(line) for line in text.splitlines() if line.startswith("{")]
    return [item[kind] for item in said if kind in item]


@pytest.fixture(scope="module")
def sides(tmp_path_factory):
    """What the graph said of itself, and what the foreign client heard."""
    logs = tmp_path_factory.mktemp("logs")
    base = {**os.environ, "ROS_LOG_DIR": str(logs)}
    base.pop(environment.PROFILE_FILE, None)
    domain = free_domain_id()
    ours = environment.for_process(
        base, profile="large_images_cyclone_interop", domain_id=domain, discovery="LOCALHOST"
    )
    theirs = {**environment.without_wheels(base), "CYCLONEDDS_URI": LOOPBACK}
    graph = subprocess.Popen(
        [sys.executable, HERE / "ros_foreign_graph.py", STATUS],
        env=ours, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    client = [
        sys.executable,
        HERE / "ros_cyclone_client.py",
        str(domain),
        "/grounding/detections",
        "/pick/status",
        "90",
    ]
    try:
        heard = subprocess.run(client, env=theirs, capture_output=True, text=True, timeout=120, check=False)
        graph.send_signal(signal.SIGINT)
        said, complaints = graph.communicate(timeout=60)
    finally:
        graph.kill()
    assert heard.returncode == 0, (heard.stdout, heard.stderr, complaints)
    return said, heard.stdout


def test_detections_are_decoded_and_carry_the_header_of_their_picture(sides):
    said, heard = sides
    arrays = lines(heard, "detections")
    assert arrays
    for array in arrays:
        assert array in lines(said, "detections"), "not what rclpy hears"
        assert array["stamp"] in lines(said, "picture")
        assert array["frame_id"] == "camera_optical_frame"
        assert [found["class_id"] for found in array["detections"]] == ["the yellow banana"]
        (x, y, across, down), score = array["detections"][0]["box_px"], array["detections"][0]["score"]
        assert across > 0
        assert down > 0
        assert 0 < x < 640
        assert 0 < y < 480
        assert 0 < score <= 1


def test_words_arrive_as_they_were_said(sides):
    assert set(lines(sides[1], "status")) == {STATUS}


def test_the_client_has_no_ros_in_it():
    code = f"import sys; sys.path.insert(0, {str(HERE)!r}); import ros_cyclone_client; sys.exit('rclpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
