"""Recordings through the grounding node's code: answers as of the pictures themselves, damage, going on, topics."""

import json

import pytest

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")
pytest.importorskip("rosbags")

import numpy as np
import ros_bags
from kosmos_ros import stamps
from kosmos_ros.bag_reader import open_bag
from kosmos_ros.bag_shots import Damaged, ShotReader
from kosmos_ros.bag_topics import choose
from kosmos_ros.images import compressed_message, image_message
from kosmos_ros.replay import Replay, ReplayPlan
from kosmos_ros.settings import GroundingSettings
from kosmos_ros.transforms import TransformBuffer
from rclpy.serialization import serialize_message
from ros_bags import BASE, DEPTH, IMAGE, INFO, OPTICAL, TF, TF_STATIC
from tf2_msgs.msg import TFMessage

from kosmos_agent.cli.app import main
from kosmos_agent.errors import InvalidArgumentError
from kosmos_agent.grounder import Grounder
from kosmos_agent.robot.locate import locate

ABSENT = "the green teapot"


@pytest.fixture(scope="module")
def grounder():
    return Grounder.load("tabletop", zoom=False)


@pytest.fixture(scope="module")
def table():
    """Pictures of one table, what is on it, and the messages of a camera that took them."""
    observed, phrase = ros_bags.observations(count=2)
    return observed, phrase, list(ros_bags.cdr_messages(observed))


def plan_of(phrases, **changes):
    return ReplayPlan(**{"bag": "bag", "phrases": tuple(phrases), "model": "tabletop", "target_frame": BASE, **changes})


def run(path, out, grounder, phrases, on_picture=lambda: None, **changes):
    out.mkdir(exist_ok=True)
    with open_bag(path) as reader:
        settings = GroundingSettings(target_frame=BASE)
        Replay(reader, plan_of(phrases, **changes), out, settings).run(grounder, on_picture)
    return lines_of(out)


def lines_of(out):
    return [json.loads(text) for text in (out / "answers.jsonl").read_text().splitlines()]


def without_times(lines):
    return [{name: value for name, value in line.items() if name != "timings_ms"} for line in lines]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, grounder, table):
    """The lines of an undisturbed replay, from an mcap bag."""
    folder = tmp_path_factory.mktemp("whole")
    _, phrase, entries = table
    return run(ros_bags.write_bag(folder / "bag", entries, "mcap"), folder / "out", grounder, [phrase, ABSENT])


def test_answers_are_those_of_the_pictures_themselves(whole, grounder, table):
    observed, phrase, _ = table
    assert [(line["picture"], line["phrase"]) for line in whole] == [(0, phrase), (0, ABSENT), (1, phrase), (1, ABSENT)]
    for index, seen in enumerate(observed):
        answers = grounder.view(seen.rgb).find_all([phrase, ABSENT])
        for answer, line in zip(answers, whole[2 * index : 2 * index + 2], strict=True):
            assert (line["status"], line["stamp_ns"]) == (answer.status, ros_bags.stamp_of(index))
            assert line["probability"] == pytest.approx(answer.best.probability, abs=1e-6)
            assert line["presence"] == pytest.approx(answer.presence, abs=1e-6)
            for box, candidate in zip(line["boxes"], answer.candidates, strict=False):
                assert box["box"] == pytest.approx(candidate.box.corners, abs=1e-6)
        target = locate(answers[0], seen.depth_m, ros_bags.camera_of(seen), seen.T_base_camera)
        found = whole[2 * index]["target"]
        assert (found["frame_id"], found["stamp_ns"]) == (BASE, ros_bags.stamp_of(index))
        assert found["position_m"] == pytest.approx(target.position_m, abs=2e-3)
        assert whole[2 * index + 1]["target"] is None


def test_a_thing_that_stands_still_keeps_its_id(whole):
    ids = [line["target"]["id"] for line in whole if line["target"]]
    assert len(ids) == 2
    assert len(set(ids)) == 1


def test_both_storages_give_the_same(whole, tmp_path, grounder, table):
    _, phrase, entries = table
    path = ros_bags.write_bag(tmp_path / "bag", entries, "sqlite3")
    assert without_times(run(path, tmp_path / "out", grounder, [phrase, ABSENT])) == without_times(whole)


def test_damaged_pictures_are_refused_and_the_replay_goes_on(tmp_path, grounder, table):
    observed, phrase, entries = table
    header = stamps.header(OPTICAL, ros_bags.stamp_of(3))
    wrong_step = image_message(observed[0].rgb, header)
    wrong_step.step -= 1
    later = ros_bags.stamp_of(2)
    damaged = [
        (IMAGE, later, entries[0][2][: len(entries[0][2]) // 2]),
        (IMAGE, later + 1, serialize_message(wrong_step)),
        (TF, later + 2, b"\x00\x01\x00\x00\xff\xff\xff\x7f"),
        (DEPTH, later + 3, b""),
    ]
    path = ros_bags.write_bag(tmp_path / "bag", [*damaged, *entries[:4]])
    lines = run(path, tmp_path / "out", grounder, [phrase])
    pictures = [line for line in lines if "picture" in line]
    assert sorted(line["status"] for line in pictures) == ["found", "refused", "refused"]
    refused = [line for line in pictures if line["status"] == "refused"]
    assert [line["reason"]["code"] for line in refused] == ["invalid_image", "invalid_image"]
    assert "damaged" in refused[0]["reason"]["message"]
    assert "step" in refused[1]["reason"]["message"]
    others = {line["topic"]: line["reason"]["code"] for line in lines if "picture" not in line}
    assert others == {TF: "bad_transform", DEPTH: "invalid_image"}


def test_a_replay_that_was_stopped_goes_on(whole, tmp_path, grounder, table):
    _, phrase, entries = table
    path = ros_bags.write_bag(tmp_path / "bag", entries)
    out, phrases = tmp_path / "out", [phrase, ABSENT]

    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(path, out, grounder, phrases, stop)
    assert [line["picture"] for line in lines_of(out)] == [0, 0]
    # As a process that was killed while it wrote leaves it: one line of two, and a half.
    with (out / "answers.jsonl").open("a") as file:
        file.write(json.dumps({**lines_of(out)[0], "picture": 1}) + '\n{"picture": 1, "sta')
    done = []
    resumed = run(path, out, grounder, phrases, lambda: done.append(1))
    assert len(done) == 1
    assert without_times(resumed)[:2] == without_times(whole)[:2]
    assert [line["boxes"] for line in resumed] == [line["boxes"] for line in whole]
    assert run(path, out, grounder, phrases, stop) == resumed, "nothing was left to do"
    with pytest.raises(InvalidArgumentError, match="other settings \\(phrases\\)"):
        run(path, out, grounder, [phrase])


def test_each_second_picture(tmp_path, table):
    _, _, entries = table
    path = ros_bags.write_bag(tmp_path / "bag", [*entries, *[(t, at + 10**9, data) for t, at, data in entries]])
    with open_bag(path) as reader:
        shots = ShotReader(reader, choose(reader), TransformBuffer(), every=2).shots()
        assert [shot.number for shot in shots] == [0, 2]


def shots_of(path, buffer):
    with open_bag(path) as reader:
        yield from ShotReader(reader, choose(reader), buffer).shots()


def test_what_belongs_to_a_picture_is_there_when_it_is_given(tmp_path, table):
    observed, _, entries = table
    buffer, given = TransformBuffer(), []
    for index, shot in enumerate(shots_of(ros_bags.write_bag(tmp_path / "bag", entries), buffer)):
        stamp_ns = ros_bags.stamp_of(index)
        assert [stamps.stamp_ns(item.header.stamp) for item in (shot.image, shot.depth, shot.camera_info)] == [
            stamp_ns
        ] * 3
        assert np.allclose(buffer.lookup(BASE, OPTICAL, stamp_ns), observed[index].T_base_camera, atol=1e-6)
        given.append(shot.number)
    assert given == [0, 1]


def test_a_clock_that_goes_back_starts_anew(tmp_path, table):
    observed, _, _ = table

    def at(stamp_ns, received_ns, x_m):
        T = observed[0].T_base_camera.copy()
        T[0, 3] = x_m
        header = stamps.header(OPTICAL, stamp_ns)
        yield IMAGE, received_ns, serialize_message(image_message(observed[0].rgb, header))
        moving = TFMessage(transforms=[ros_bags.transform(T, BASE, OPTICAL, stamp_ns)])
        yield TF, received_ns + 1, serialize_message(moving)

    second = 10**9
    entries = [*at(50 * second, second, 1.0), *at(2 * second, 2 * second, 2.0)]
    buffer = TransformBuffer()
    places = [
        buffer.lookup(BASE, OPTICAL, stamps.stamp_ns(shot.image.header.stamp))[0, 3]
        for shot in shots_of(ros_bags.write_bag(tmp_path / "bag", entries), buffer)
    ]
    assert places == pytest.approx([1.0, 2.0])


def test_transforms_that_hold_always_may_come_last(tmp_path, table):
    observed, _, entries = table
    static = TFMessage(transforms=[ros_bags.transform(observed[0].T_base_camera, BASE, OPTICAL, 0)])
    held = [entry for entry in entries if entry[0] != TF]
    late = (TF_STATIC, ros_bags.stamp_of(9), serialize_message(static))
    buffer = TransformBuffer()
    first = next(shots_of(ros_bags.write_bag(tmp_path / "bag", [*held, late]), buffer))
    assert not isinstance(first, Damaged)
    assert np.allclose(buffer.lookup(BASE, OPTICAL, ros_bags.stamp_of(0)), observed[0].T_base_camera, atol=1e-6)


def without(entries, *topics):
    return [entry for entry in entries if entry[0] not in topics]


def test_why_there_is_no_target_is_said(tmp_path, grounder, table):
    _, phrase, entries = table
    for name, absent, code in (("tf", (TF,), "unknown_frame"), ("info", (INFO,), "no_camera_info")):
        path = ros_bags.write_bag(tmp_path / name, without(entries[:4], *absent))
        (line,) = run(path, tmp_path / f"{name}-out", grounder, [phrase])
        assert (line["status"], line["target"], line["target_reason"]["code"]) == ("found", None, code)
    path = ros_bags.write_bag(tmp_path / "colour", without(entries[:4], DEPTH))
    (line,) = run(path, tmp_path / "colour-out", grounder, [phrase])
    assert (line["status"], line["target"], line["target_reason"]) == ("found", None, None)


def topics_in(path, **named):
    with open_bag(path) as reader:
        return choose(reader, **named)


def test_topics_are_found_by_what_is_on_them(tmp_path, table):
    observed, _, entries = table
    packed = "/camera/image_raw/compressed"
    header = stamps.header(OPTICAL, ros_bags.stamp_of(0))
    jpeg = serialize_message(compressed_message(observed[0].rgb, header))
    types = {**ros_bags.TYPES, packed: "sensor_msgs/msg/CompressedImage", "/rear/camera_info": ros_bags.TYPES[INFO]}
    extra = [(packed, ros_bags.stamp_of(0), jpeg), ("/rear/camera_info", ros_bags.stamp_of(0), entries[1][2])]
    path = ros_bags.write_bag(tmp_path / "bag", [*entries, *extra], types=types)
    found = topics_in(path)
    assert (found.image, found.depth, found.camera_info, found.tf) == (IMAGE, DEPTH, INFO, (TF,))
    assert topics_in(path, image=packed, camera_info="rear/camera_info").camera_info == "/rear/camera_info"


def test_topics_that_are_missing_or_not_clear_are_said_with_the_candidates(tmp_path, table):
    _, _, entries = table
    blind = ros_bags.write_bag(tmp_path / "blind", without(entries, IMAGE))
    with pytest.raises(InvalidArgumentError, match=rf"no colour pictures; it holds: .*{INFO} \(sensor_msgs"):
        topics_in(blind)
    types = {**ros_bags.TYPES, "/rear/image_raw": ros_bags.TYPES[IMAGE]}
    both = ros_bags.write_bag(
        tmp_path / "both", [*entries, ("/rear/image_raw", entries[-1][1], entries[0][2])], types=types
    )
    with pytest.raises(InvalidArgumentError, match=f"{IMAGE}, /rear/image_raw; say which with --image-topic"):
        topics_in(both)
    with pytest.raises(InvalidArgumentError, match=f"--image-topic /front: .* valid: {IMAGE}, /rear/image_raw"):
        topics_in(both, image="front")


def test_what_is_no_bag_is_said(tmp_path, capsys):
    (tmp_path / "torn.mcap").write_bytes(b"\x89MCAP0\r\nnothing")
    (tmp_path / "empty").mkdir()
    for name, words in (("absent", "does not exist"), ("torn.mcap", "cannot be read"), ("empty", "cannot be read")):
        assert main(["ros", "replay", str(tmp_path / name), "-p", "the cup", "--out", str(tmp_path / "out")]) == 2
        assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_a_file_that_is_torn_inside_is_said(tmp_path, table):
    path = ros_bags.write_bag(tmp_path / "bag", table[2])
    (stored,) = path.glob("*.db3")
    content = bytearray(stored.read_bytes())
    content[4096:] = b"\xff" * (len(content) - 4096)
    stored.write_bytes(content)
    with pytest.raises(InvalidArgumentError, match="cannot be read as a bag"):
        list(shots_of(path, TransformBuffer()))


def test_the_command_writes_answers_film_and_sheet(tmp_path, capsys, table):
    _, phrase, entries = table
    path, out = ros_bags.write_bag(tmp_path / "bag", entries[:4]), tmp_path / "out"
    words = ["ros", "replay", str(path), "-p", phrase, "--target-frame", BASE, "--out", str(out), "--no-zoom", "--json"]
    assert main(words) == 0
    report = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert report["statuses"] == {phrase: {"found": 1}}
    assert report["topics"]["depth"] == DEPTH
    assert sorted(path.name for path in out.iterdir()) == [
        "answers.jsonl", "film.webp", "frames", "replay.json", "sheet.png",
    ]  # fmt: skip
