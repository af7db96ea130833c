"""Samples from tar files and folders as img2dataset leaves them; whatever is broken is one sample's own trouble."""

import errno
import io
import shutil
import tarfile
from pathlib import Path

import pytest
from grit_parts import jpeg, write_sample, write_shards

from kosmos_agent.errors import InvalidArgumentError, InvalidImageError
from kosmos_agent.grit import samples
from kosmos_agent.grit.errors import InvalidCaptionError, InvalidRecordError
from kosmos_agent.grit.samples import Sample
from kosmos_agent.grit.shards import find_shards


def keys(shard):
    return [sample.key for sample in shard.samples()]


def packed(folder, tar):
    with tarfile.open(tar, "w") as file:
        for path in sorted(folder.iterdir()):
            file.add(path, arcname=path.name)
    return tar


def test_folders_are_shards_and_give_their_samples_by_key(tmp_path):
    write_shards(tmp_path, shards=2, pairs=2)
    shards = find_shards(tmp_path)
    assert [shard.name for shard in shards] == ["00000", "00001"]
    assert keys(shards[1]) == ["000010000", "000010001"]


def test_a_large_folder_is_cut_into_runs(tmp_path):
    write_shards(tmp_path, shards=1, pairs=5)
    shards = find_shards(tmp_path / "00000", run=2)
    assert [shard.name for shard in shards] == ["00000-00000", "00000-00001", "00000-00002"]
    assert [key for shard in shards for key in keys(shard)] == [f"00000{place:04d}" for place in range(5)]


def test_a_tar_file_gives_the_same_samples_as_its_folder(tmp_path):
    write_sample(tmp_path / "00000", "a", facts={"url": "u"})
    write_sample(tmp_path / "00000", "b", caption="Ünïcode 🐕")
    folder = list(find_shards(tmp_path)[0].samples())
    packed(tmp_path / "00000", tmp_path / "tars.tar")
    (tmp_path / "tars").mkdir()
    (tmp_path / "tars.tar").rename(tmp_path / "tars" / "00000.tar")
    (shard,) = find_shards(tmp_path / "tars")
    assert list(shard.samples()) == folder
    assert folder[1].caption() == "Ünïcode 🐕"


@pytest.mark.parametrize("cut", [512 * 3 + 100, 512 * 4, 512 * 9 + 7])
def test_a_tar_file_that_breaks_off_gives_what_precedes_the_break_and_says_so(tmp_path, cut):
    write_shards(tmp_path, shards=1, pairs=4)
    tar = packed(tmp_path / "00000", tmp_path / "00009.tar")
    whole = [sample.key for sample in find_shards(tmp_path)[1].samples()]
    tar.write_bytes(tar.read_bytes()[:cut])
    seen = []
    with pytest.raises(InvalidRecordError, match=r"00009\.tar is no whole tar file"):
        seen.extend(sample.key for sample in find_shards(tmp_path)[1].samples())
    assert seen == whole[: len(seen)]
    assert len(seen) < len(whole)


def test_a_tar_header_of_an_impossible_size_is_a_tar_that_breaks_off(tmp_path):
    header = tarfile.TarInfo("b.jpg")
    header.size = 2**64 - 512
    with tarfile.open(tmp_path / "00000.tar", "w") as file:
        member = tarfile.TarInfo("a.txt")
        member.size = 4
        file.addfile(member, io.BytesIO(b"a cup"))
    whole = (tmp_path / "00000.tar").read_bytes()
    (tmp_path / "00000.tar").write_bytes(whole[:1_024] + header.tobuf(tarfile.GNU_FORMAT) + bytes(1_024))
    with pytest.raises(InvalidRecordError, match=r"00000\.tar is no whole tar file"):
        keys(find_shards(tmp_path)[0])


@pytest.mark.parametrize("content", [b"", b"no tar at all" * 100])
def test_what_is_no_tar_file_is_said_to_be_none(tmp_path, content):
    (tmp_path / "00000.tar").write_bytes(content)
    with pytest.raises(InvalidRecordError, match=r"00000\.tar"):
        keys(find_shards(tmp_path)[0])


def test_a_folder_without_samples_is_refused(tmp_path):
    (tmp_path / "notes.md").write_text("nothing")
    for folder in (tmp_path, tmp_path / "missing"):
        with pytest.raises(InvalidArgumentError):
            find_shards(folder)


def test_half_made_folders_and_hidden_files_are_no_samples(tmp_path):
    write_sample(tmp_path / ".00001.part", "a")
    write_sample(tmp_path / "00000", "b")
    (tmp_path / "00000" / "._b.jpg").write_bytes(b"a resource fork")
    (shard,) = find_shards(tmp_path)
    assert keys(shard) == ["b"]


def test_a_tar_beside_the_folder_it_was_made_from_is_refused(tmp_path):
    write_shards(tmp_path, shards=1, pairs=1)
    packed(tmp_path / "00000", tmp_path / "00000.tar")
    with pytest.raises(InvalidArgumentError, match="00000 twice"):
        find_shards(tmp_path)


def test_links_do_not_lead_out_of_the_folder(tmp_path):
    (tmp_path / "secret.txt").write_text("secret")
    write_sample(tmp_path / "pairs" / "00000", "a")
    (tmp_path / "pairs" / "00000" / "b.txt").symlink_to(tmp_path / "secret.txt")
    samples_by_key = {sample.key: sample for sample in find_shards(tmp_path / "pairs")[0].samples()}
    assert samples_by_key["b"].files == {}


def test_links_and_devices_in_a_tar_are_passed_over(tmp_path):
    with tarfile.open(tmp_path / "0.tar", "w") as file:
        link = tarfile.TarInfo("a.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        file.addfile(link)
        write_sample(tmp_path / "x", "b")
        file.add(tmp_path / "x" / "b.txt", arcname="deep/down/b.txt")
    (tmp_path / "x" / "b.txt").unlink()
    (tmp_path / "x" / "b.jpg").unlink()
    assert keys(find_shards(tmp_path)[0]) == ["b"]


def test_files_that_are_too_large_are_not_read(tmp_path, monkeypatch):
    monkeypatch.setitem(samples.LIMITS, "txt", 4)
    write_sample(tmp_path / "0", "a")
    (sample,) = find_shards(tmp_path)[0].samples()
    assert sample.faults == {"txt": "is larger than 4 bytes"}
    with pytest.raises(InvalidRecordError, match=r"a\.txt is larger than 4 bytes"):
        sample.caption()


def test_a_file_that_cannot_be_read_is_its_samples_own_trouble(tmp_path, monkeypatch):
    write_sample(tmp_path / "0", "a")
    write_sample(tmp_path / "0", "b")
    (shard,) = find_shards(tmp_path)
    read = Path.read_bytes

    def failing(path):
        if path.name == "a.jpg":
            raise OSError(errno.EIO, "Input/output error")
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", failing)
    first, second = shard.samples()
    with pytest.raises(InvalidRecordError, match=r"a\.jpg cannot be read: Input/output error"):
        first.image()
    assert second.image().size == (64, 48)


def test_a_folder_that_went_away_is_said_to_be_gone(tmp_path):
    write_sample(tmp_path / "0", "a")
    (shard,) = find_shards(tmp_path)
    shutil.rmtree(tmp_path / "0")
    with pytest.raises(InvalidRecordError, match="the folder 0 cannot be read"):
        keys(shard)


@pytest.mark.parametrize(
    ("files", "error", "words"),
    [
        ({}, InvalidCaptionError, "no caption"),
        ({"txt": b"  \n"}, InvalidCaptionError, "no caption"),
        ({"txt": b"\xff\xfe"}, InvalidCaptionError, "not UTF-8"),
        ({"txt": b"a" * 5_000}, InvalidCaptionError, "5000 characters"),
        ({"json": b'{"caption": 7}'}, InvalidCaptionError, "no caption"),
        ({"json": b"{broken"}, InvalidRecordError, "not JSON"),
        ({"json": b"[" * 100_000}, InvalidRecordError, "not JSON"),
        ({"json": b"[1]"}, InvalidRecordError, "holds a list"),
    ],
)
def test_captions_that_are_none(files, error, words):
    with pytest.raises(error, match=words):
        Sample("k", files).caption()


def test_the_text_file_counts_before_the_json():
    assert Sample("k", {"txt": b"one\n", "json": b'{"caption": "two"}'}).caption() == "one"
    assert Sample("k", {"json": b'{"caption": "two"}'}).caption() == "two"


def test_pictures_that_are_none():
    with pytest.raises(InvalidRecordError, match="no picture"):
        Sample("k", {}).image()
    with pytest.raises(InvalidImageError, match="picture k"):
        Sample("k", {"jpg": jpeg()[:300]}).image()
    with pytest.raises(InvalidImageError):
        Sample("k", {"jpg": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"}).image()
    assert Sample("k", {"png": jpeg()}).image().size == (64, 48)
