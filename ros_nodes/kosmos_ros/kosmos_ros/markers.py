"""Targets as visualization_msgs markers: a box where each thing is, its phrase and probability above it."""

from __future__ import annotations

from collections.abc import Iterable

from geometry_msgs.msg import Point, Pose, Vector3
from kosmos_interfaces.msg import Target3D
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from kosmos_ros import stamps

NAMESPACE = "kosmos_targets"
TEXT_HEIGHT_M = 0.03
MIN_SIDE_M = 0.002
"""RViz warns about boxes without thickness."""

_BOX_COLOUR = ColorRGBA(r=0.1, g=0.7, b=0.3, a=0.5)
_TEXT_COLOUR = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)


def target_markers(targets: Iterable[Target3D], *, lifetime_s: float = 2.0) -> MarkerArray:
    """The first marker takes away those of the message before. lifetime_s: after which they go by themselves."""
    markers = [Marker(ns=NAMESPACE, action=Marker.DELETEALL)]
    for index, target in enumerate(targets):
        markers.append(_box(target, 2 * index, lifetime_s))
        markers.append(_label(target, 2 * index + 1, lifetime_s))
    return MarkerArray(markers=markers)


def _box(target: Target3D, marker_id: int, lifetime_s: float) -> Marker:
    along, across, up = (max(float(side), MIN_SIDE_M) for side in (*target.extent_m, target.size.z))
    marker = _marker(target, Marker.CUBE, marker_id, lifetime_s)
    marker.pose, marker.scale, marker.color = target.pose, Vector3(x=along, y=across, z=up), _BOX_COLOUR
    return marker


def _label(target: Target3D, marker_id: int, lifetime_s: float) -> Marker:
    at = target.pose.position
    marker = _marker(target, Marker.TEXT_VIEW_FACING, marker_id, lifetime_s)
    marker.pose = Pose(position=Point(x=at.x, y=at.y, z=at.z + target.size.z / 2 + TEXT_HEIGHT_M))
    marker.scale, marker.color = Vector3(x=0.0, y=0.0, z=TEXT_HEIGHT_M), _TEXT_COLOUR
    marker.text = f"{target.phrase} {100 * target.probability:.0f} %"
    return marker


def _marker(target: Target3D, kind: int, marker_id: int, lifetime_s: float) -> Marker:
    lifetime = stamps.duration_message(lifetime_s)
    return Marker(header=target.header, ns=NAMESPACE, id=marker_id, type=kind, action=Marker.ADD, lifetime=lifetime)
