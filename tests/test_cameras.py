"""Cameras that are files and devices: the newest picture, its age, and nothing from outside the bound folder."""

import os
import threading
import time

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from kosmos_agent.cameras import Folder, PictureFile, VideoFile, Webcam, open_camera
from kosmos_agent.cameras.bound import BoundFolder
from kosmos_agent.errors import InvalidArgumentError, InvalidImageError, KosmosAgentError, NoImageError
from kosmos_agent.skills import CameraSource

SIZE = (48, 32)
FPS = 10


def picture(path, shade):
    Image.new("RGB", SIZE, (shade, shade, shade)).save(path)


def shade(shot):
    assert shot.rgb.shape == (SIZE[1], SIZE[0], 3)
    assert shot.rgb.dtype == np.uint8
    return round(float(shot.rgb.mean()))


@pytest.fixture
def root(tmp_path):
    """A bound folder with pictures, beside it one that is none of its business."""
    inside, outside = tmp_path / "inside", tmp_path / "outside"
    (inside / "shots").mkdir(parents=True)
    outside.mkdir()
    picture(outside / "secret.png", 250)
    picture(inside / "a.png", 10)
    for n in (2, 1, 3):
        picture(inside / "shots" / f"{n:03d}.png", 20 * n)
    (inside / "shots" / "notes.txt").write_text("not a picture")
    os.symlink(outside / "secret.png", inside / "link.png")
    os.symlink(outside, inside / "linked")
    os.symlink(inside / "a.png", inside / "within.png")
    return inside


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    path = tmp_path_factory.mktemp("film") / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), FPS, SIZE)
    for n in range(8):
        writer.write(np.full((SIZE[1], SIZE[0], 3), 30 * n, np.uint8))
    writer.release()
    return path


def test_a_file_is_read_with_its_age_and_again_when_it_is_written_again(root):
    camera = PictureFile("a.png", root=root)
    first = camera.newest()
    assert (shade(first), camera.live) == (10, False)
    assert first.age_s >= 0
    assert camera.newest().rgb is first.rgb, "the same picture is the same array"
    assert camera.newest(after_ns=first.stamp_ns).rgb is first.rgb, "a photograph gives what it has"
    picture(root / "a.png", 90)
    os.utime(root / "a.png", ns=(first.stamp_ns + 10**9,) * 2)
    assert shade(camera.newest()) == 90
    assert camera.newest().stamp_ns == first.stamp_ns + 10**9
    (root / "a.png").unlink()
    with pytest.raises(NoImageError, match=r"no file 'a\.png'"):
        camera.newest()


def test_a_folder_gives_the_last_by_name_or_each_in_turn(root):
    newest, in_turn = Folder("shots", root=root), Folder("shots", root=root, order="in turn")
    assert [shade(newest.newest()) for _ in range(2)] == [60, 60]
    assert [shade(in_turn.newest()) for _ in range(4)] == [20, 40, 60, 20]
    picture(root / "shots" / "004.JPG", 100)
    assert shade(newest.newest()) == pytest.approx(100, abs=2)
    with pytest.raises(InvalidArgumentError, match="valid: newest, in turn"):
        Folder("shots", root=root, order="random")
    (root / "empty").mkdir()
    with pytest.raises(NoImageError, match="holds no picture"):
        Folder("empty", root=root).newest()


def test_a_link_in_a_folder_that_leads_outside_is_refused(root):
    os.symlink(root.parent / "outside" / "secret.png", root / "shots" / "999.png")
    with pytest.raises(InvalidArgumentError, match="leads outside"):
        Folder("shots", root=root).newest()


OUTSIDE = ["../outside/secret.png", "shots/../../outside/secret.png", "link.png", "linked/secret.png", "/etc/hostname"]
ADDRESSES = ["http://localhost/a.png", "file:///etc/hostname", "rtsp://camera/1", "concat://a.png", "a.png\0.jpg", ""]


@pytest.mark.parametrize("kind", [PictureFile, VideoFile, Folder])
@pytest.mark.parametrize("path", OUTSIDE + ADDRESSES)
def test_nothing_outside_the_bound_folder_is_read(root, kind, path):
    with pytest.raises(InvalidArgumentError, match=r"leads outside|is not a path"):
        kind(path, root=root)


@given(
    st.text(max_size=30) | st.lists(st.sampled_from(["..", "shots", "linked", "a.png", "/"]), max_size=6).map("/".join)
)
def test_whatever_the_words_a_path_stays_within(tmp_path_factory, words):
    outer = tmp_path_factory.getbasetemp()
    root = outer / "bound"
    if not root.exists():
        (root / "shots").mkdir(parents=True)
        os.symlink(outer, root / "linked")
    try:
        there = BoundFolder(root).resolved(words)
    except InvalidArgumentError:
        return
    assert there.is_relative_to(root.resolve())


def test_a_link_within_the_folder_and_an_absolute_path_in_it_will_do(root):
    for path in ("within.png", root / "a.png", "shots/../a.png"):
        assert shade(PictureFile(path, root=root).newest()) == 10


def test_what_is_no_regular_file_or_no_picture_is_refused(root):
    os.mkfifo(root / "pipe.png")
    (root / "words.png").write_text("not a picture")
    for path, error in (("pipe.png", InvalidArgumentError), ("shots", InvalidArgumentError)):
        with pytest.raises(error, match="not a regular file"):
            PictureFile(path, root=root)
    with pytest.raises(InvalidArgumentError, match="not a regular file"):
        VideoFile("pipe.png", root=root)
    with pytest.raises(InvalidImageError, match="not a picture"):
        PictureFile("words.png", root=root)
    for wrong in (root / "missing", root / "a.png"):
        with pytest.raises(InvalidArgumentError, match="valid: an existing folder"):
            BoundFolder(wrong)
    with pytest.raises(InvalidArgumentError, match="valid: at most 10"):
        BoundFolder(root).file("a.png", 10)


def test_a_film_gives_a_frame_a_look_with_its_own_time_and_stays_at_its_last(film):
    camera = VideoFile(film.name, root=film.parent)
    shots = [camera.newest() for _ in range(9)]
    assert [shade(shot) for shot in shots] == pytest.approx([0, 30, 60, 90, 120, 150, 180, 210, 210], abs=4)
    assert [shot.stamp_ns for shot in shots] == [n * 10**9 // FPS for n in (0, 1, 2, 3, 4, 5, 6, 7, 7)]
    assert shots[-1].rgb is shots[-2].rgb
    assert not camera.live
    camera.close()
    with pytest.raises(NoImageError, match="is closed"):
        camera.newest()


def test_a_film_can_be_stepped_through(film):
    stepped = VideoFile(film.name, root=film.parent, step_s=0.25)
    assert [stepped.newest().stamp_ns / 1e9 for _ in range(4)] == pytest.approx([0, 0.3, 0.6, 0.7])
    asked = VideoFile(film.name, root=film.parent)
    assert asked.newest(after_ns=350_000_000).stamp_ns == 400_000_000
    assert asked.newest(after_ns=400_000_000).stamp_ns == 500_000_000
    with pytest.raises(InvalidArgumentError, match="step_s"):
        VideoFile(film.name, root=film.parent, step_s=0)


@pytest.mark.parametrize(
    "content", [b"#EXTM3U\n#EXTINF:1,\nfile:///etc/hostname\n", b"ffconcat version 1.0\nfile '/etc/hostname'\n", b""]
)
def test_a_play_list_that_calls_itself_a_film_is_refused(tmp_path, content):
    (tmp_path / "film.mp4").write_bytes(content)
    with pytest.raises(InvalidArgumentError, match="of no known kind; valid: an MP4"):
        VideoFile("film.mp4", root=tmp_path)


def test_a_film_that_is_cut_off_says_so(tmp_path, film):
    (tmp_path / "cut.avi").write_bytes(film.read_bytes()[:64])
    with pytest.raises(NoImageError):
        VideoFile("cut.avi", root=tmp_path).newest()


class Device:
    """A device whose frames are let out one by one; `unplug` ends them."""

    def __init__(self):
        self.frames, self.released, self.reads = threading.Semaphore(0), threading.Event(), 0
        self.unplugged = False

    def __call__(self, index):
        return self

    def unplug(self):
        self.unplugged = True
        self.let(20)

    def let(self, frames=1):
        self.frames.release(frames)

    def read(self):
        self.frames.acquire(timeout=0.05)
        if self.unplugged:
            return None
        self.reads += 1
        return np.full((SIZE[1], SIZE[0], 3), min(self.reads, 255), np.uint8)

    def release(self):
        self.released.set()


@pytest.fixture
def device():
    return Device()


@pytest.fixture
def webcam(device):
    camera = Webcam(0, device=device)
    yield camera
    camera.close()


def test_a_webcam_gives_only_the_newest_with_its_age(webcam, device):
    first = webcam.newest(timeout_s=20)
    later = webcam.newest(first.stamp_ns, timeout_s=20)
    assert later.stamp_ns > first.stamp_ns
    assert shade(later) > shade(first)
    assert webcam.live
    assert 0 <= later.age_s < 20
    device.unplugged = True
    time.sleep(0.2)
    kept = webcam.newest(timeout_s=0)
    assert kept.age_s >= 0.1, "no newer one came, and it says so"


def test_a_webcam_that_is_unplugged_says_so_at_once(webcam, device):
    webcam.newest(timeout_s=20)
    device.unplug()
    with pytest.raises(NoImageError, match="10 frames in a row did not come"):
        webcam.newest(after_ns=2**62, timeout_s=30)
    assert device.released.wait(20)
    with pytest.raises(NoImageError, match="still plugged in"):
        webcam.newest(timeout_s=0)


def test_a_webcam_that_gives_no_newer_picture_in_time(webcam):
    webcam.newest(timeout_s=20)
    with pytest.raises(NoImageError, match="no newer picture"):
        webcam.newest(after_ns=2**62, timeout_s=0.05)


def test_a_closed_webcam_lets_its_device_go(webcam, device):
    webcam.close()
    assert device.released.wait(20)
    with pytest.raises(NoImageError, match="is closed"):
        webcam.newest()


def test_a_webcam_that_is_not_there_is_an_error_when_it_is_made():
    with pytest.raises(NoImageError, match="webcam 63 cannot be opened"):
        Webcam(63)
    with pytest.raises(InvalidArgumentError, match="valid: 0 to 63"):
        Webcam(-1)


def test_cameras_are_opened_by_words(root, film):
    for words in ("file:a.png", "folder:shots", "frames:shots"):
        camera = open_camera(words, root=root)
        assert isinstance(camera, CameraSource)
        assert camera.newest().rgb.shape == (SIZE[1], SIZE[0], 3)
        camera.close()
    camera = open_camera(f"video:{film.name}", root=film.parent)
    assert isinstance(camera, CameraSource)
    camera.close()


@pytest.mark.parametrize(
    "words",
    [
        "",
        "a.png",
        "file:",
        "http://x/a.png",
        "webcam:http://x",
        "webcam:-1",
        "webcam:1e3",
        "pipe:ls",
        "file:/etc/hostname",
    ],
)
def test_words_that_name_no_camera_are_refused(root, words):
    with pytest.raises(InvalidArgumentError, match="valid: "):
        open_camera(words, root=root)


def test_every_failure_is_coded(root):
    for words in ("file:missing.png", "video:missing.mp4", "folder:missing", "webcam:99"):
        with pytest.raises(KosmosAgentError):
            open_camera(words, root=root)
