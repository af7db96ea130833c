"""Messages of a camera and of tf with whatever the types allow in them, and seldom anything sound."""

from geometry_msgs.msg import Quaternion, Transform, TransformStamped, Vector3
from kosmos_ros import stamps
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

FRAME = "camera_optical_frame"


def noise_text(dice):
    letters = "ab \n\t\x00<>/é\u202e名"
    return "".join(dice.choice(letters) for _ in range(dice.choice((0, 1, 5, 300, 20_000))))


def noise_stamp(dice):
    return stamps.Time(sec=dice.choice((-5, 0, 1, 99, 100, 2**31 - 1)), nanosec=dice.randrange(2**32))


def noise_image(dice):
    message = Image(
        height=dice.choice((0, 1, 7, 480, 2**32 - 1)),
        width=dice.choice((0, 1, 9, 640, 2**32 - 1)),
        step=dice.choice((0, 1, 27, 1920, 2560, 2**32 - 1)),
        encoding=dice.choice(("rgb8", "bgr8", "mono16", "32FC1", "16UC1", "bayer_rggb8", "", "nonsense", "yuv422")),
        is_bigendian=dice.choice((0, 1, 255)),
        data=dice.choice((b"", b"\x00" * 63, b"\xff" * 189, dice.randbytes(4000))),
    )
    message.header.stamp = noise_stamp(dice)
    message.header.frame_id = dice.choice(("", FRAME, "x" * 3000, "\u202e"))
    return message


def noise_info(dice):
    odd = (0.0, 1.0, -1.0, 600.0, float("nan"), float("inf"), 1e308)
    message = CameraInfo(
        height=dice.choice((0, 1, 480, 2**32 - 1)),
        width=dice.choice((0, 1, 640, 2**32 - 1)),
        distortion_model=dice.choice(("", "plumb_bob", "equidistant")),
        d=[dice.choice(odd) for _ in range(dice.choice((0, 1, 5, 8)))],
        k=[dice.choice(odd) for _ in range(9)],
        p=[dice.choice(odd) for _ in range(12)],
        binning_x=dice.choice((0, 2, 2**32 - 1)),
    )
    message.roi.width = dice.choice((0, 9, 2**32 - 1))
    return message


def noise_transform(dice):
    odd = (0.0, 1.0, float("nan"), float("inf"), 1e308)
    turn = Quaternion(x=dice.choice(odd), y=dice.choice(odd), z=0.0, w=dice.choice(odd))
    names = ("", "a", "b", "c", "/a", "\x00")
    made = TransformStamped(child_frame_id=dice.choice(names))
    made.transform = Transform(translation=Vector3(x=dice.choice(odd)), rotation=turn)
    made.header.frame_id, made.header.stamp = dice.choice(names), noise_stamp(dice)
    return made


def noise_compressed(dice):
    message = CompressedImage(
        format=dice.choice(("", "jpeg", "png", "rgb8; jpeg compressed bgr8", "nonsense", "x" * 3000)),
        data=dice.choice((b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", dice.randbytes(400))),
    )
    message.header.stamp = noise_stamp(dice)
    message.header.frame_id = dice.choice(("", FRAME, "x" * 3000))
    return message


def noise_clock(dice):
    return Clock(clock=noise_stamp(dice))
