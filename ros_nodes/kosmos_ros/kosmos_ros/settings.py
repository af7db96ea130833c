"""The settings of each node: the one place that says what they are, their units, ranges and defaults. No ROS here.

`ros_parameters` declares them to a node; `settings_table` makes the table in the docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from kosmos_agent.errors import InvalidArgumentError

MAX_TEXT_CHARACTERS = 256
MAX_PHRASES = 64

_FIXED: dict[str, Any] = {"changes": "while unconfigured"}
"""Settings that the model or the subscriptions were made with; the others take effect with the next picture."""

_AT_START: dict[str, Any] = {"changes": "at start"}
"""Settings of a node that has no life cycle: what it was started with holds."""


def _bounded(text: str) -> str:
    if len(text) > MAX_TEXT_CHARACTERS or not text.isprintable():
        raise ValueError(f"{text[:24]!r}; valid: at most {MAX_TEXT_CHARACTERS} printable characters")
    return text


def _named(text: str) -> str:
    if not text.strip("/ "):
        raise ValueError("an empty name; valid: the name of a frame")
    return text


def _phrases(phrases: tuple[str, ...]) -> tuple[str, ...]:
    kept = tuple(phrase.strip() for phrase in phrases if phrase.strip())
    if len(kept) > MAX_PHRASES:
        raise ValueError(f"{len(kept)} phrases; valid: at most {MAX_PHRASES}")
    return kept


Text = Annotated[str, AfterValidator(_bounded)]
FrameName = Annotated[str, AfterValidator(_bounded), AfterValidator(_named)]
Phrases = Annotated[tuple[Text, ...], AfterValidator(_phrases)]


class Settings(BaseModel):
    """Base of the settings of one node. Every field has a default and a description."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    @classmethod
    def checked(cls, values: Mapping[str, object]) -> Self:
        """From parameter values by name; InvalidArgumentError names the first one that is wrong, and its range."""
        try:
            return cls(**values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = str(first["loc"][0]) if first["loc"] else "settings"
            given = repr(first["input"])[:64]
            raise InvalidArgumentError(f"parameter {name} is {given}: {first['msg']}") from error


class GroundingSettings(Settings):
    """The grounding node."""

    autostart: bool = Field(False, description="configure and activate by itself", json_schema_extra=_FIXED)
    model_path: Text = Field(
        "tabletop",
        description="embedded model, folder, hub id, or address of a kosmos-agent serve",
        json_schema_extra=_FIXED,
    )
    device: Text = Field("cpu", description="where the model runs: cpu, cuda, cuda:1", json_schema_extra=_FIXED)
    dtype: Literal["auto", "float32", "bfloat16", "float16", "int8"] = Field(
        "auto",
        description="what the model computes in; auto: the fastest that answers as float32 does",
        json_schema_extra=_FIXED,
    )
    runtime: Text = Field(
        "torch", description="what computes: torch, openvino, or a folder with an export", json_schema_extra=_FIXED
    )
    threads: int = Field(
        0,
        ge=0,
        le=256,
        description="CPU threads of the model; 0: one for each core but one, which takes in the pictures",
        json_schema_extra=_FIXED,
    )
    # Words that YAML takes for no truth value, as it does on and off.
    zoom: Literal["auto", "always", "never"] = Field(
        "auto",
        description="look again at small things and what was found; never: quicker, coarser, auto: as the model wants",
        json_schema_extra=_FIXED,
    )
    both_ways: Literal["auto", "always", "never"] = Field(
        "auto",
        description="look at the mirror image too; never: quicker, less sure, auto: as the model wants",
        json_schema_extra=_FIXED,
    )
    phrases: Phrases = Field(
        (), description="standing queries, answered on every newest picture; empty strings count not"
    )
    score_threshold: float = Field(
        0.0, ge=0.0, le=1.0, description="candidates below it are left out of the detections"
    )
    max_results: int = Field(5, ge=1, le=64, description="candidates for each phrase")
    image_transport: Literal["raw", "compressed"] = Field(
        "raw", description="of the colour picture", json_schema_extra=_FIXED
    )
    image_is_rectified: bool = Field(
        False, description="the colour picture is image_rect: no distortion, P instead of K"
    )
    use_depth: bool = Field(True, description="subscribe to depth and make targets in metres", json_schema_extra=_FIXED)
    depth_unit_m: float = Field(
        0.0, ge=0.0, le=1.0, description="metres per count of the depth picture; 0: by its encoding, as REP 118 says"
    )
    max_image_age_sec: float = Field(1.0, ge=0.01, le=3600.0, description="an older picture is refused as stale")
    max_clock_skew_sec: float = Field(0.1, ge=0.0, le=60.0, description="how far in the future a stamp may lie")
    sync_slop_sec: float = Field(0.05, ge=0.0, le=1.0, description="colour and depth belong together within this")
    target_frame: FrameName = Field("base_link", description="frame of the targets, z up")
    transform_timeout_sec: float = Field(
        0.2, ge=0.0, le=10.0, description="how long to wait for depth and tf at the picture's stamp"
    )
    tf_history_sec: float = Field(
        10.0, ge=0.1, le=600.0, description="how long transforms are kept", json_schema_extra=_FIXED
    )
    goal_timeout_sec: float = Field(30.0, ge=0.1, le=3600.0, description="of goals that state no timeout")
    track_max_jump_m: float = Field(0.1, ge=0.001, le=10.0, description="a target further off than this is another one")
    track_max_misses: int = Field(5, ge=0, le=1000, description="a target missed more often in a row is lost")
    publish_annotated: bool = Field(False, description="publish ~/annotated_image")
    publish_markers: bool = Field(True, description="publish ~/markers")
    publish_tf: bool = Field(False, description="publish the best target as a tf frame")
    published_frame: FrameName = Field("kosmos_target", description="name of that frame")
    diagnostics_period_sec: float = Field(1.0, ge=0.1, le=60.0, description="of /diagnostics", json_schema_extra=_FIXED)
    qos_check_period_sec: float = Field(
        5.0,
        ge=0.5,
        le=600.0,
        description="between comparisons with the publishers",
        json_schema_extra=_FIXED,
    )


class PickSettings(Settings):
    """The pick node."""

    planner: Literal["grasp_action", "moveit", "pose"] = Field(
        "grasp_action",
        description="who moves: an arm that serves Grasp; MoveIt, by a pose and a box; whoever takes the pose",
        json_schema_extra=_AT_START,
    )
    target_frame: FrameName = Field("base", description="the planner's frame, z up", json_schema_extra=_AT_START)
    max_looks: int = Field(3, ge=1, le=20, description="looks until two agree; 1 trusts a single look")
    settled_m: float = Field(0.02, ge=0.001, le=0.5, description="two looks this near to each other agree")
    recheck_m: float = Field(
        0.03, ge=0.001, le=0.5, description="just before the grasp, the thing is still within this"
    )
    goal_timeout_sec: float = Field(120.0, ge=1.0, le=3600.0, description="of goals that state no timeout")
    answer_timeout_sec: float = Field(
        30.0,
        ge=0.1,
        le=600.0,
        description="one answer may take this long, and the grounding node be missing or inactive",
        json_schema_extra=_AT_START,
    )
    arm_timeout_sec: float = Field(
        5.0, ge=0.1, le=600.0, description="how long the arm may be missing", json_schema_extra=_AT_START
    )


class SimCameraSettings(Settings):
    """The simulated camera and arm."""

    seed: int = Field(7, ge=0, le=2**31 - 1, description="which table", json_schema_extra=_AT_START)
    instruction: Text = Field(
        "pick up the red cup",
        description="what the table is laid for, a colour and a thing; empty: whatever the seed brings",
        json_schema_extra=_AT_START,
    )
    camera: Literal["front", "shoulder", "wrist"] = Field(
        "front", description="which of the robot's cameras", json_schema_extra=_AT_START
    )
    rate_hz: float = Field(
        10.0, ge=0.1, le=50.0, description="pictures a second of simulated time", json_schema_extra=_AT_START
    )
    width: int = Field(640, ge=32, le=1280, description="pixels", json_schema_extra=_AT_START)
    height: int = Field(480, ge=32, le=1280, description="pixels", json_schema_extra=_AT_START)
    depth_noise: bool = Field(
        True, description="depth with the noise, bias and holes of a real sensor", json_schema_extra=_AT_START
    )
    image_transport: Literal["raw", "compressed"] = Field(
        "raw", description="of the colour picture", json_schema_extra=_AT_START
    )
    jpeg_quality: int = Field(90, ge=1, le=100, description="of compressed pictures", json_schema_extra=_AT_START)
    base_frame: FrameName = Field(
        "base", description="name of the frame that stands on the table, z up", json_schema_extra=_AT_START
    )
    optical_frame: FrameName = Field(
        "camera_optical_frame", description="name of the camera's frame", json_schema_extra=_AT_START
    )
    gripper_frame: FrameName = Field(
        "gripper", description="name of the frame between the pads", json_schema_extra=_AT_START
    )
    publish_clock: bool = Field(
        True, description="publish the simulation's time on /clock", json_schema_extra=_AT_START
    )
