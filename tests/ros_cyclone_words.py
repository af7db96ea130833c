"""What both sides of the foreign client say of an array of detections. Needs neither ROS nor Cyclone DDS."""


def described(message):
    """As JSON can hold it."""
    return {
        "stamp": [message.header.stamp.sec, message.header.stamp.nanosec],
        "frame_id": message.header.frame_id,
        "detections": [_described(found) for found in message.detections],
    }


def _described(found):
    (result,) = found.results
    centre = found.bbox.center.position
    return {
        "frame_id": found.header.frame_id,
        "class_id": result.hypothesis.class_id,
        "score": result.hypothesis.score,
        "covariance": list(result.pose.covariance),
        "box_px": [centre.x, centre.y, found.bbox.size_x, found.bbox.size_y],
        "id": found.id,
    }
