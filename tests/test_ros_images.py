"""Pictures of every encoding, padded, swapped, compressed; and what is no picture at all."""

import re
from array import array

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

from kosmos_ros import depth_images, images, pixels
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from kosmos_agent.errors import InvalidArgumentError, InvalidDepthError, InvalidImageError

EXACT = ("rgb8", "bgr8", "rgba8", "bgra8")
GREY = ("mono8", "mono16")
YUV = ("uyvy", "yuv422", "yuyv", "yuv422_yuy2")
BAYER = tuple(name for name in pixels.LAYOUTS if name.startswith("bayer"))
HEADER = Header(frame_id="camera_optical_frame")


def noise(width, height, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def smooth(width, height):
    """Colours that change slowly, so that encodings that share colours between pixels lose little."""
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    return np.stack([40 + 160 * x, 60 + 120 * y, 200 - 100 * x * y], axis=2).round().astype(np.uint8)


def padded(message, padding, *, big_endian=False):
    """The same picture with `padding` bytes of rubbish behind each row, and 16-bit values the other way round."""
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)
    if big_endian:
        rows = np.ascontiguousarray(rows).view("u2").byteswap().view(np.uint8)
    rows = np.pad(rows, ((0, 0), (0, padding)), constant_values=171)
    return Image(
        header=message.header,
        height=message.height,
        width=message.width,
        encoding=message.encoding,
        is_bigendian=int(big_endian),
        step=rows.shape[1],
        data=array("B", rows.tobytes()),
    )


sides = st.integers(1, 40)


@given(st.sampled_from(EXACT), sides, sides, st.integers(0, 9), st.integers(0, 2**31))
@settings(max_examples=60)
def test_eight_bit_colours_come_back_exactly(encoding, width, height, padding, seed):
    rgb = noise(width, height, seed)
    message = padded(images.image_message(rgb, HEADER, encoding), padding)
    assert message.encoding == encoding
    np.testing.assert_array_equal(images.rgb_from_image(message), rgb)


@given(st.sampled_from(GREY), sides, sides, st.integers(0, 5), st.booleans(), st.integers(0, 2**31))
@settings(max_examples=40)
def test_grey_comes_back_as_grey(encoding, width, height, padding, big_endian, seed):
    grey = np.repeat(noise(width, height, seed)[:, :, :1], 3, axis=2)
    swapped = big_endian and encoding == "mono16"
    message = padded(images.image_message(grey, HEADER, encoding), padding, big_endian=swapped)
    np.testing.assert_array_equal(images.rgb_from_image(message), grey)


@given(st.sampled_from((*YUV, *BAYER)), st.integers(2, 30), st.integers(2, 30), st.integers(0, 5))
@settings(max_examples=40)
def test_encodings_that_share_colours_come_back_nearly(encoding, half_width, half_height, padding):
    rgb = smooth(8 * half_width, 8 * half_height)
    back = images.rgb_from_image(padded(images.image_message(rgb, HEADER, encoding), padding))
    # The outermost pixels of a mosaic have neighbours on one side only.
    error = np.abs(back.astype(int) - rgb)[2:-2, 2:-2]
    assert error.max() <= 12


@pytest.mark.parametrize(("encoding", "corner"), [("rggb", 0), ("bggr", 2), ("gbrg", 1), ("grbg", 1)])
def test_a_mosaic_starts_with_the_colour_that_its_name_says(encoding, corner):
    rgb = np.zeros((8, 8, 3), np.uint8)
    rgb[:, :, corner] = 200
    message = images.image_message(rgb, HEADER, f"bayer_{encoding}8")
    assert message.data[0] == 200
    assert images.rgb_from_image(message)[4, 4].tolist() == rgb[4, 4].tolist()


@pytest.mark.parametrize(("encoding", "first_four"), [("uyvy", "UYVY"), ("yuyv", "YUYV")])
def test_luma_stands_where_the_name_says(encoding, first_four):
    white = np.full((2, 2, 3), 255, np.uint8)
    data = images.image_message(white, HEADER, encoding).data
    assert [data[index] > 200 for index, letter in enumerate(first_four) if letter == "Y"] == [True, True]
    assert [abs(data[index] - 128) < 3 for index, letter in enumerate(first_four) if letter != "Y"] == [True, True]


def test_red_is_red_in_every_encoding():
    red = np.zeros((16, 16, 3), np.uint8)
    red[:, :, 0] = 220
    for encoding in (*EXACT, *YUV, *BAYER):
        r, g, b = images.rgb_from_image(images.image_message(red, HEADER, encoding))[8, 8].astype(int)
        assert r > 200, encoding
        assert max(g, b) < 20, encoding


def test_an_unpadded_picture_is_not_copied():
    message = images.image_message(noise(6, 4), HEADER)
    images.rgb_from_image(message)[2, 1] = (1, 2, 3)
    assert list(message.data[2 * 18 + 3 : 2 * 18 + 6]) == [1, 2, 3]


def test_messages_hold_arrays_of_bytes_and_the_header_given():
    message = images.image_message(noise(6, 4), HEADER, "mono16")
    assert isinstance(message.data, array)
    assert (message.step, message.height, message.header) == (12, 4, HEADER)


def raw(**changes):
    fields = {"width": 4, "height": 4, "step": 12, "encoding": "rgb8", "data": array("B", bytes(48))}
    return Image(**{**fields, **changes})


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (raw(step=11), "step is 11 bytes; a row of 4 pixels of this encoding takes 12"),
        (raw(step=0), "step is 0"),
        (raw(data=array("B")), "data has 0 bytes; step 12 x height 4 makes 48"),
        (raw(data=array("B", bytes(47))), "data has 47 bytes"),
        (raw(data=array("B", bytes(49))), "data has 49 bytes"),
        (raw(width=0), "valid: at least 1 x 1"),
        (raw(height=0), "valid: at least 1 x 1"),
        (raw(width=2**32 - 1, height=2**32 - 1, step=2**32 - 1), "valid: at most"),
        (raw(encoding="32FC1"), "not a colour picture's; valid: rgb8, bgr8"),
        (raw(encoding=""), "valid: rgb8"),
        (raw(encoding="x" * 10_000), "'" + "x" * 32 + "'"),
        (raw(encoding="yuyv", width=3), "even sides"),
        (raw(encoding="bayer_rggb8", height=3), "even sides"),
        (raw(encoding="bayer_rggb8", width=2, height=2), "valid: at least 4 a side"),
    ],
)
def test_malformed_pictures_are_refused_in_words(message, words):
    with pytest.raises(InvalidImageError, match=re.escape(words)) as caught:
        images.rgb_from_image(message)
    assert len(str(caught.value)) < 400


@given(
    st.integers(0, 70), st.integers(0, 70), st.integers(0, 300), st.binary(max_size=500),
    st.sampled_from([*pixels.LAYOUTS, "16UC1", "", "jpeg"]), st.integers(0, 255),
)  # fmt: skip
@settings(max_examples=150)
def test_no_picture_raises_anything_but_coded_errors(width, height, step, data, encoding, big_endian):
    message = Image(
        width=width, height=height, step=step, encoding=encoding, is_bigendian=big_endian, data=array("B", data)
    )
    for decode in (images.rgb_from_image, depth_images.depth_from_image):
        try:
            decode(message)
        except (InvalidImageError, InvalidDepthError):
            continue


@pytest.mark.parametrize(("codec", "tolerance"), [("png", 0), ("jpeg", 6)])
def test_compressed_pictures_come_back(codec, tolerance):
    rgb = smooth(64, 48)
    message = images.compressed_message(rgb, HEADER, codec)
    assert message.format == f"rgb8; {codec} compressed bgr8"
    assert isinstance(message.data, array)
    assert np.abs(images.rgb_from_compressed(message).astype(int) - rgb).max() <= tolerance


def test_swapped_colours_are_swapped_back_when_the_sender_says_so():
    rgb = smooth(64, 48)
    message = images.compressed_message(rgb[:, :, ::-1], HEADER, "png")
    message.format = "rgb8; png compressed rgb8"
    np.testing.assert_array_equal(images.rgb_from_compressed(message), rgb)


def test_a_compressed_mosaic_is_still_a_mosaic():
    rgb = smooth(64, 48)
    mosaic = pixels.encode(rgb, "bayer_gbrg8")
    message = images.compressed_message(np.repeat(mosaic[:, :, None], 3, axis=2), HEADER, "png")
    message.format = "bayer_gbrg8; png compressed"
    back = images.rgb_from_compressed(message)
    assert np.abs(back.astype(int) - rgb)[2:-2, 2:-2].max() <= 12


def test_broken_compressed_pictures_are_refused():
    whole = images.compressed_message(noise(64, 48), HEADER)
    broken = [
        array("B"),
        array("B", b"not a picture"),
        whole.data[: len(whole.data) // 2],
        array("B", b"%!PS-Adobe-3.0 EPSF-3.0"),
    ]
    for data in broken:
        with pytest.raises(InvalidImageError, match=r"valid|bytes|truncated"):
            images.rgb_from_compressed(CompressedImage(format="jpeg", data=data))
    for format_ in ("16UC1; compressedDepth png", "16UC1; png compressed"):
        with pytest.raises(InvalidImageError, match="depth picture"):
            images.rgb_from_compressed(CompressedImage(format=format_, data=whole.data))
    with pytest.raises(InvalidArgumentError, match="valid: jpeg, png"):
        images.compressed_message(noise(8, 8), HEADER, "webp")


@given(st.sampled_from(["32FC1", "16UC1"]), sides, sides, st.integers(0, 5), st.booleans(), st.integers(0, 2**31))
@settings(max_examples=50)
def test_depth_comes_back_in_metres(encoding, width, height, padding, big_endian, seed):
    rng = np.random.default_rng(seed)
    depth_m = rng.uniform(0.05, 9.0, (height, width)).astype(np.float32)
    depth_m[rng.random(depth_m.shape) < 0.3] = rng.choice([np.nan, np.inf, -np.inf, 0.0, -1.0])
    depth_m[0, 0] = 1.5
    message = depth_images.depth_message(depth_m, HEADER, encoding)
    size = 4 if encoding == "32FC1" else 2
    if big_endian:
        swapped = np.frombuffer(message.data, f"u{size}").byteswap()
        message = Image(
            width=width, height=height, encoding=encoding, step=message.step, data=array("B", swapped.tobytes())
        )
    message = padded(message, padding)
    message.is_bigendian = int(big_endian)
    back = depth_images.depth_from_image(message)
    expected = np.where(np.isfinite(depth_m) & (depth_m > 0), depth_m, np.nan)
    assert back.dtype == np.float32
    np.testing.assert_allclose(back, expected, atol=0 if encoding == "32FC1" else 0.00051)


def test_the_unit_comes_from_the_encoding_unless_said_otherwise():
    message = depth_images.depth_message(np.full((2, 2), 0.5, np.float32), HEADER, "16UC1")
    assert message.data[0] + 256 * message.data[1] == 500
    assert depth_images.depth_from_image(message)[0, 0] == pytest.approx(0.5)
    assert depth_images.depth_from_image(message, unit_m=0.00025)[0, 0] == pytest.approx(0.125)


@pytest.mark.parametrize("encoding", ["32FC1", "16UC1"])
def test_depth_without_one_reading_is_refused(encoding):
    message = depth_images.depth_message(np.full((3, 5), np.nan, np.float32), HEADER, encoding)
    with pytest.raises(InvalidDepthError, match="none of the 15 pixels"):
        depth_images.depth_from_image(message)


def test_malformed_depth_is_refused_in_words():
    good = depth_images.depth_message(np.ones((3, 5), np.float32), HEADER)
    with pytest.raises(InvalidDepthError, match="valid: 32FC1"):
        depth_images.depth_from_image(raw())
    with pytest.raises(InvalidDepthError, match="step is 20 bytes; a row of 6 pixels"):
        depth_images.depth_from_image(Image(width=6, height=3, step=20, encoding="32FC1", data=good.data))
    with pytest.raises(InvalidDepthError, match=r"65\.535"):
        depth_images.depth_message(np.full((2, 2), 70.0, np.float32), HEADER, "16UC1")
