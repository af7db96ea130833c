"""camera_info of every kind of lens, window and binning."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("rclpy", reason="no ROS 2 here: neither its wheels nor a sourced installation")

from kosmos_ros.camera_info import camera_from_info, camera_info_message, check_fits
from sensor_msgs.msg import CameraInfo, RegionOfInterest
from std_msgs.msg import Header

from kosmos_agent.errors import CameraModelError
from kosmos_agent.robot.camera import Camera

PLUMB_BOB = (-0.21, 0.08, 0.001, -0.0015, -0.01)
RATIONAL = (0.35, -0.1, 0.0008, -0.0005, 0.02, 0.6, -0.05, 0.03)
CAMERA = Camera(640, 480, 600.0, 610.0, 322.5, 241.0, PLUMB_BOB)


def info(**changes):
    message = camera_info_message(CAMERA, Header(frame_id="camera_optical_frame"))
    for name, value in changes.items():
        setattr(message, name, value)
    return message


@given(
    st.integers(1, 4000), st.integers(1, 4000), st.floats(10, 1e4), st.floats(0.9, 1.1), st.floats(-100, 4000),
    st.sampled_from([(), PLUMB_BOB, RATIONAL]),
)  # fmt: skip
@settings(max_examples=30)
def test_cameras_come_back(width, height, fx, ratio, cx, distortion):
    camera = Camera(width, height, fx, fx * ratio, cx, height / 2, distortion)
    back = camera_from_info(camera_info_message(camera, Header()))
    assert (back.width, back.height, back.distortion) == (width, height, distortion)
    np.testing.assert_allclose((back.fx, back.fy, back.cx, back.cy), (camera.fx, camera.fy, cx, height / 2), atol=1e-9)


def test_the_centre_of_a_pixel_is_a_whole_number_in_ros():
    message = CameraInfo(width=5, height=3, k=[10.0, 0, 2, 0, 10, 1, 0, 0, 1])
    np.testing.assert_allclose(camera_from_info(message).rays([2.5, 1.5]), [0, 0, 1])


def test_distorted_pixels_are_those_of_opencv():
    point = np.array([0.1, -0.2, 1.3])
    expected, _ = cv2.projectPoints(
        point.reshape(1, 1, 3), np.zeros(3), np.zeros(3), np.reshape(info().k, (3, 3)), np.array(PLUMB_BOB)
    )
    np.testing.assert_allclose(camera_from_info(info()).project(point), expected.ravel() + 0.5)


def test_a_rectified_picture_has_p_and_no_distortion():
    p = [500.0, 0.0, 300.0, 0.0, 0.0, 500.0, 200.0, 0.0, 0.0, 0.0, 1.0, 0.0]
    camera = camera_from_info(info(p=p), rectified=True)
    assert camera == Camera(640, 480, 500.0, 500.0, 300.5, 200.5)


@given(st.integers(0, 200), st.integers(0, 100), st.sampled_from([0, 1, 2, 4]), st.sampled_from([0, 1, 3]))
@settings(max_examples=40)
def test_a_window_and_bins_show_the_same_rays(x_offset, y_offset, across, down):
    roi = RegionOfInterest(x_offset=x_offset, y_offset=y_offset, width=400, height=300)
    part = camera_from_info(info(roi=roi, binning_x=across, binning_y=down))
    assert (part.width, part.height) == (400 // max(across, 1), 300 // max(down, 1))
    px = np.array([[10.0, 20.0], [90.0, 70.0]])
    full_px = px * (max(across, 1), max(down, 1)) + (x_offset, y_offset)
    np.testing.assert_allclose(part.rays(px), CAMERA.rays(full_px), atol=1e-6)


def test_a_window_over_everything_is_none():
    assert camera_from_info(info(roi=RegionOfInterest(width=640, height=480))) == CAMERA


@pytest.mark.parametrize(
    ("message", "words"),
    [
        (info(k=[0.0] * 9), "not calibrated"),
        (info(width=0), "valid: at least 1 x 1"),
        (info(distortion_model="equidistant", d=[0.1] * 4), "valid: plumb_bob with 4 or 5"),
        (info(distortion_model="rational_polynomial", d=[0.1] * 5), "rational_polynomial with 8"),
        (info(distortion_model="plumb_bob", d=[0.1] * 6), "with 6 values"),
        (info(d=[float("nan")] * 5), "not all finite"),
        (info(k=[600.0, 3.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0]), "needs the form"),
        (info(k=[600.0, 0.0, float("inf"), 0.0, 600.0, 240.0, 0.0, 0.0, 1.0]), "finite"),
        (info(k=[-600.0, 0.0, 320.0, 0.0, 600.0, 240.0, 0.0, 0.0, 1.0]), "above 0"),
        (info(roi=RegionOfInterest(x_offset=500, width=200, height=10)), "is outside"),
        (info(binning_x=1000), "valid: 1 up to the size"),
    ],
)
def test_malformed_camera_info_is_refused_in_words(message, words):
    with pytest.raises(CameraModelError, match=words):
        camera_from_info(message)


def test_an_undistorted_fisheye_is_a_pinhole():
    camera = camera_from_info(info(distortion_model="equidistant", d=[0.0] * 4))
    assert camera == replace(CAMERA, distortion=())


def test_the_picture_must_be_of_the_cameras_size():
    check_fits(CAMERA, 640, 480)
    with pytest.raises(CameraModelError, match="320 x 240"):
        check_fits(CAMERA, 320, 240)
