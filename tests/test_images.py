import contextlib
import errno
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from kosmos_agent.errors import InvalidImageError
from kosmos_agent.images import MAX_PIXELS, as_rgb_array, load_image


def png_header(width, height):
    """A PNG that claims a size and carries almost no data: what a decompression bomb looks like from outside."""
    body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    header = struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
    data = b"IDAT" + zlib.compress(b"\0" * 64)
    return b"\x89PNG\r\n\x1a\n" + header + struct.pack(">I", len(data) - 4) + data + struct.pack(">I", zlib.crc32(data))


@settings(max_examples=20, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 9), st.integers(1, 9), st.just(3))))
def test_a_png_comes_back_as_it_was_written(tmp_path_factory, pixels):
    path = tmp_path_factory.mktemp("png") / "picture.png"
    Image.fromarray(pixels).save(path)
    np.testing.assert_array_equal(as_rgb_array(load_image(path)), pixels)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "gif", "tiff", "ppm"])
def test_every_listed_format_opens_as_rgb(tmp_path, suffix):
    path = tmp_path / f"picture.{suffix}"
    Image.new("RGB", (12, 7), "red").save(path)
    image = load_image(path)
    assert (image.mode, image.size) == ("RGB", (12, 7))
    assert image.getpixel((5, 3)) == pytest.approx((255, 0, 0), abs=4)


@pytest.mark.parametrize(("width", "height"), [(8001, 8000), (30000, 30000), (2**31 - 1, 2**31 - 1)])
def test_a_bomb_is_refused_from_its_header(tmp_path, width, height):
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(width, height))
    with pytest.raises(InvalidImageError, match="64 megapixels"):
        load_image(path)


def test_the_largest_admitted_header_gets_as_far_as_decoding(tmp_path):
    path = tmp_path / "large.png"
    path.write_bytes(png_header(8000, MAX_PIXELS // 8000))
    with pytest.raises(InvalidImageError, match="truncated or damaged"):
        load_image(path)


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "tiff"])
@pytest.mark.parametrize("kept", [0.3, 0.7])
def test_a_truncated_file_is_named(tmp_path, suffix, kept):
    path = tmp_path / f"cut.{suffix}"
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * kept)])
    with pytest.raises(InvalidImageError, match=r"cut\."):
        load_image(path)


@settings(max_examples=60, deadline=None)
@given(position=st.integers(0, 400), value=st.integers(0, 255))
def test_a_flipped_byte_gives_a_picture_or_a_coded_error(tmp_path_factory, position, value):
    path = tmp_path_factory.mktemp("flip") / "picture.png"
    Image.fromarray(np.arange(300, dtype=np.uint16).astype(np.uint8).reshape(10, 10, 3)).save(path)
    data = bytearray(path.read_bytes())
    data[position % len(data)] = value
    path.write_bytes(data)
    with contextlib.suppress(InvalidImageError):
        assert load_image(path).mode == "RGB"


@pytest.mark.parametrize("content", [b"", b"hello", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"])
def test_what_is_no_picture_is_refused_with_the_valid_kinds(tmp_path, content):
    path = tmp_path / "note.png"
    path.write_bytes(content)
    with pytest.raises(InvalidImageError, match="PNG, JPEG"):
        load_image(path)


def test_missing_files_folders_and_devices_are_told_apart(tmp_path):
    with pytest.raises(InvalidImageError, match="does not exist"):
        load_image(tmp_path / "none.png")
    with pytest.raises(InvalidImageError, match="is a folder"):
        load_image(tmp_path)
    with pytest.raises(InvalidImageError, match="is not a file"):
        load_image(os.devnull)


def test_a_path_that_may_not_even_be_looked_at_is_named(tmp_path, monkeypatch):
    with pytest.raises(InvalidImageError, match=r"xxx cannot be opened \(File name too long\); valid: a PNG"):
        load_image(tmp_path / ("x" * 300))

    def refuse(self, **_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(InvalidImageError, match=r"locked\.png cannot be opened \(Permission denied\)"):
        load_image(tmp_path / "locked.png")


def test_a_camera_held_sideways_gives_an_upright_picture(tmp_path):
    path = tmp_path / "portrait.jpg"
    stored = Image.new("RGB", (40, 20), "black")
    stored.paste("white", (0, 0, 10, 20))
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter clockwise
    stored.save(path, exif=exif)
    image = load_image(path)
    assert image.size == (20, 40)
    assert image.getpixel((10, 3))[0] > 200
    assert image.getpixel((10, 35))[0] < 50


@pytest.mark.parametrize("mode", ["RGBA", "LA", "P"])
def test_transparent_parts_become_white(tmp_path, mode):
    path = tmp_path / "overlay.png"
    layer = Image.new("RGBA", (4, 4), (0, 0, 0, 0))
    layer.putpixel((1, 1), (0, 0, 0, 255))
    if mode == "P":
        layer.convert("P").save(path, transparency=layer.convert("P").getpixel((0, 0)))
        assert load_image(path).getpixel((0, 0)) == (255, 255, 255)
        return
    layer.convert(mode).save(path)
    image = load_image(path)
    assert image.getpixel((0, 0)) == (255, 255, 255)
    assert image.getpixel((1, 1)) == (0, 0, 0)


def test_sixteen_bit_grey_keeps_its_whole_range(tmp_path):
    path = tmp_path / "deep.png"
    Image.fromarray(np.array([[0, 257 * 100, 65535]], dtype=np.uint16)).save(path)
    assert [pixel[0] for pixel in as_rgb_array(load_image(path))[0].tolist()] == [0, 100, 255]


def test_floating_point_pixels_have_no_meaning_as_colour(tmp_path):
    path = tmp_path / "depth.tiff"
    Image.fromarray(np.ones((3, 3), dtype=np.float32)).save(path)
    with pytest.raises(InvalidImageError, match="floating-point"):
        load_image(path)


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((3, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        [[1, 2, 3]],
        "picture.png",
    ],
)
def test_arrays_of_another_kind_are_refused(bad):
    with pytest.raises(InvalidImageError, match="valid"):
        as_rgb_array(bad)


def test_a_view_turned_round_becomes_contiguous():
    bgr = np.random.default_rng(1).integers(0, 256, (5, 6, 3), dtype=np.uint8)
    rgb = as_rgb_array(bgr[..., ::-1])
    assert rgb.flags.c_contiguous
    np.testing.assert_array_equal(rgb, bgr[..., ::-1])
