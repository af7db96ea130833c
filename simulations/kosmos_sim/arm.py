"""A seven-joint arm after the published Franka DH table with a parallel gripper: capsules and boxes only.

Base frame: the arm's mounting face on the table top, x forward over the table, y left, z up. `add_arm` puts it
at `position_m`; with the default that frame is the world frame and the table top lies at z = 0.
Hand frame: z out of the palm, y along the finger stroke. The grip point is `GRIP_OFFSET_M` down its z.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import mujoco
import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError

JOINTS = 7
GRIP_OFFSET_M = 0.1204
"""Hand frame to the point between the finger pads."""
PALM_CLEARANCE_M = 0.058
"""Room between the grip point and the palm: how far a thing may stick up above it."""
TIP_LENGTH_M = 0.0145
"""How far the pads reach below the grip point, and how far the slim part reaches above it."""
TIP_THICKNESS_M = 0.008
FINGER_THICKNESS_M = 0.015
"""Along the stroke, outside the opening, per finger; the tips are slim enough for the hole of a donut."""
FINGER_HALF_WIDTH_M = 0.009
HAND_HALF_WIDTH_M = 0.075
HAND_HALF_THICKNESS_M = 0.022
MAX_OPENING_M = 0.080
GRIP_FORCE_N = 30.0

HOME_Q: NDArray[np.float64] = np.array([0.0, -0.9, 0.0, -2.75, 0.0, 2.1, math.pi / 4])
"""Pulled back over its own base, so that a camera in front sees the whole table."""
READY_Q: NDArray[np.float64] = np.array([0.0, -0.3, 0.0, -2.2, 0.0, 1.9, math.pi / 4])
"""Hand above the middle of the table, palm down: where inverse kinematics likes to start."""

TABLE_BIT, OBJECT_BIT, ARM_BIT = 1, 2, 4
"""Collision bits: the table and the arm touch objects and each other, the arm does not touch itself."""

_HALF = math.sqrt(0.5)
_FINGER_ROOT_M = 0.0584
_WHITE, _DARK, _RUBBER = (0.9, 0.9, 0.92, 1.0), (0.25, 0.25, 0.27, 1.0), (0.1, 0.1, 0.1, 1.0)
_ARM_COLLISION = {"contype": ARM_BIT, "conaffinity": OBJECT_BIT, "group": 2}

Vector = tuple[float, ...]


@dataclass(frozen=True)
class _Link:
    """One DH row: offset and turn from the parent, joint range, torque limit, servo gain, skin, mass.

    skin: capsules as x0, y0, z0, x1, y1, z1, radius in the link's frame.
    """

    position_m: Vector
    quat: Vector
    range_rad: tuple[float, float]
    torque_nm: float
    gain: float
    skin: tuple[Vector, ...]
    mass_kg: float


_LINKS = (
    _Link((0, 0, 0.333), (1, 0, 0, 0), (-2.8973, 2.8973), 87, 4500, ((0, 0, -0.19, 0, 0, 0, 0.055),), 3.0),
    _Link(
        (0, 0, 0),
        (_HALF, -_HALF, 0, 0),
        (-1.7628, 1.7628),
        87,
        4500,
        ((0, 0, -0.06, 0, 0, 0.06, 0.055), (0, 0, 0, 0, -0.19, 0, 0.052)),
        3.0,
    ),
    _Link(
        (0, -0.316, 0),
        (_HALF, _HALF, 0, 0),
        (-2.8973, 2.8973),
        87,
        3500,
        ((0, 0, -0.13, 0, 0, -0.04, 0.052), (0, 0, -0.04, 0.0825, 0, 0.02, 0.045)),
        2.7,
    ),
    _Link(
        (0.0825, 0, 0),
        (_HALF, _HALF, 0, 0),
        (-3.0718, -0.0698),
        87,
        3500,
        ((0, 0, -0.05, 0, 0, 0.05, 0.05), (0, 0, 0, -0.0825, 0.1, 0, 0.045)),
        2.5,
    ),
    _Link(
        (-0.0825, 0.384, 0),
        (_HALF, -_HALF, 0, 0),
        (-2.8973, 2.8973),
        12,
        2000,
        ((0, 0, -0.27, 0, 0.03, -0.02, 0.045), (0, 0, -0.02, 0, 0, 0.05, 0.05)),
        2.0,
    ),
    _Link(
        (0, 0, 0),
        (_HALF, _HALF, 0, 0),
        (-0.0175, 3.7525),
        12,
        2000,
        ((0, 0, -0.05, 0, 0, 0.02, 0.05), (0, 0, 0, 0.088, 0, 0, 0.042)),
        1.6,
    ),
    _Link((0.088, 0, 0), (_HALF, _HALF, 0, 0), (-2.8973, 2.8973), 12, 2000, ((0, 0, -0.02, 0, 0, 0.06, 0.045),), 0.6),
)

JOINT_RANGES_RAD: NDArray[np.float64] = np.array([link.range_rad for link in _LINKS])
"""(7, 2): lower and upper limit of each joint."""


@dataclass(frozen=True)
class ArmNames:
    """What the parts of an arm added with `prefix` are called in the model."""

    prefix: str = "arm_"

    @property
    def joints(self) -> tuple[str, ...]:
        return tuple(f"{self.prefix}joint{i + 1}" for i in range(JOINTS))

    @property
    def fingers(self) -> tuple[str, str]:
        return (f"{self.prefix}finger_left", f"{self.prefix}finger_right")

    @property
    def gripper(self) -> str:
        return f"{self.prefix}gripper"

    @property
    def grip_site(self) -> str:
        return f"{self.prefix}grip"

    @property
    def wrist_camera(self) -> str:
        return f"{self.prefix}wrist"


def add_arm(
    spec: mujoco.MjSpec,
    position_m: tuple[float, float, float] = (0.0, 0.0, 0.0),
    yaw_rad: float = 0.0,
    prefix: str = "arm_",
) -> ArmNames:
    """Adds arm, gripper, wrist camera and position servos. Angles of the whole spec become radians.

    The arm weighs nothing (gravity compensation). Set its joints with `set_arm` after compiling.
    """
    spec.compiler.degree = False  # else MjSpec reads the joint ranges as degrees and the arm collapses
    names = ArmNames(prefix)
    turn = [math.cos(yaw_rad / 2), 0.0, 0.0, math.sin(yaw_rad / 2)]
    body = spec.worldbody.add_body(name=f"{prefix}base", pos=list(position_m), quat=turn)
    body.add_geom(
        type=mujoco.mjtGeom.mjGEOM_CYLINDER,
        size=[0.08, 0.07, 0],
        pos=[0, 0, 0.07],
        rgba=_WHITE,
        mass=0,
        **_ARM_COLLISION,
    )
    for link, joint in zip(_LINKS, names.joints, strict=True):
        body = _add_link(body, link, joint)
    _add_hand(spec, body, names)
    for link, joint in zip(_LINKS, names.joints, strict=True):
        _add_servo(spec, link, joint)
    return names


def set_arm(
    model: mujoco.MjModel,
    data: mujoco.MjData,
    q: NDArray[np.float64] = HOME_Q,
    opening_m: float = MAX_OPENING_M,
    names: ArmNames | None = None,
) -> None:
    """Puts joints, fingers and servo goals in place at once, no motion; call `mj_forward` afterwards."""
    if np.shape(q) != (JOINTS,):
        raise InvalidArgumentError(f"joint angles of shape {np.shape(q)}; valid: ({JOINTS},)")
    names = names or ArmNames()
    for joint, angle in zip(names.joints, q, strict=True):
        data.qpos[model.joint(joint).qposadr[0]] = angle
        data.qvel[model.joint(joint).dofadr[0]] = 0.0
        data.ctrl[model.actuator(joint).id] = angle
    for finger in names.fingers:
        data.qpos[model.joint(finger).qposadr[0]] = opening_m / 2
        data.qvel[model.joint(finger).dofadr[0]] = 0.0
    data.ctrl[model.actuator(names.gripper).id] = opening_m / 2


def _add_link(parent: mujoco.MjsBody, link: _Link, joint: str) -> mujoco.MjsBody:
    body = parent.add_body(name=f"{joint}_link", pos=list(link.position_m), quat=list(link.quat), gravcomp=1)
    body.add_joint(
        name=joint,
        type=mujoco.mjtJoint.mjJNT_HINGE,
        axis=[0, 0, 1],
        range=list(link.range_rad),
        limited=True,
        armature=0.1,
        damping=[2.0, 0, 0],
    )
    for index, capsule in enumerate(link.skin):
        body.add_geom(
            type=mujoco.mjtGeom.mjGEOM_CAPSULE,
            fromto=list(capsule[:6]),
            size=[capsule[6], 0, 0],
            rgba=_DARK if index else _WHITE,
            mass=link.mass_kg / len(link.skin),
            **_ARM_COLLISION,
        )
    return body


def _add_hand(spec: mujoco.MjSpec, flange: mujoco.MjsBody, names: ArmNames) -> None:
    turn = [math.cos(math.pi / 8), 0, 0, -math.sin(math.pi / 8)]
    hand = flange.add_body(name=f"{names.prefix}hand", pos=[0, 0, 0.107], quat=turn, gravcomp=1)
    hand.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[HAND_HALF_THICKNESS_M, HAND_HALF_WIDTH_M, 0.03],
        pos=[0, 0, 0.03],
        rgba=_WHITE,
        mass=0.6,
        **_ARM_COLLISION,
    )
    hand.add_site(name=names.grip_site, pos=[0, 0, GRIP_OFFSET_M], size=[0.004, 0.004, 0.004], group=4)
    # MuJoCo cameras look along -z: a half turn about x + y points this one out of the palm.
    hand.add_camera(name=names.wrist_camera, pos=[0.07, 0, 0.02], quat=[0, _HALF, _HALF, 0], fovy=60)
    for side, finger in zip((1, -1), names.fingers, strict=True):
        _add_finger(hand, finger, side)
    equality = spec.add_equality(
        type=mujoco.mjtEq.mjEQ_JOINT, name1=names.fingers[0], name2=names.fingers[1], objtype=mujoco.mjtObj.mjOBJ_JOINT
    )
    equality.data[:5] = [0, 1, 0, 0, 0]
    servo = spec.add_actuator(name=names.gripper, target=names.fingers[0], trntype=mujoco.mjtTrn.mjTRN_JOINT)
    servo.set_to_position(kp=1000, kv=40)
    servo.forcelimited, servo.forcerange = True, [-GRIP_FORCE_N, GRIP_FORCE_N]
    servo.ctrllimited, servo.ctrlrange = True, [-0.01, MAX_OPENING_M / 2]


def _add_finger(hand: mujoco.MjsBody, name: str, side: int) -> None:
    finger = hand.add_body(name=name, pos=[0, 0, _FINGER_ROOT_M], gravcomp=1)
    finger.add_joint(
        name=name,
        type=mujoco.mjtJoint.mjJNT_SLIDE,
        axis=[0, side, 0],
        range=[0, MAX_OPENING_M / 2],
        limited=True,
        armature=0.05,
        damping=[10.0, 0, 0],
    )
    pad_z = GRIP_OFFSET_M - _FINGER_ROOT_M
    half = (pad_z - TIP_LENGTH_M + 0.004) / 2
    finger.add_geom(
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[FINGER_HALF_WIDTH_M, (FINGER_THICKNESS_M - 0.004) / 2, half],
        pos=[0, side * (FINGER_THICKNESS_M + 0.004) / 2, half - 0.004],
        rgba=_DARK,
        mass=0.03,
        **_ARM_COLLISION,
    )
    finger.add_geom(
        name=f"{name}_pad",
        type=mujoco.mjtGeom.mjGEOM_BOX,
        size=[FINGER_HALF_WIDTH_M, TIP_THICKNESS_M / 2, TIP_LENGTH_M],
        pos=[0, side * TIP_THICKNESS_M / 2, pad_z],
        rgba=_RUBBER,
        mass=0.02,
        friction=[1.5, 0.02, 0.001],
        condim=6,
        priority=1,
        solref=[0.01, 1],
        solimp=[0.95, 0.99, 0.001, 0.5, 2],
        **_ARM_COLLISION,
    )


def _add_servo(spec: mujoco.MjSpec, link: _Link, joint: str) -> None:
    servo = spec.add_actuator(name=joint, target=joint, trntype=mujoco.mjtTrn.mjTRN_JOINT)
    servo.set_to_position(kp=link.gain, dampratio=1.0)
    servo.forcelimited, servo.forcerange = True, [-link.torque_nm, link.torque_nm]
    servo.ctrllimited, servo.ctrlrange = True, list(link.range_rad)
