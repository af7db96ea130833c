"""Coded errors that only a robot's graph knows: pictures that do not come, clocks, frames.

Codes are those of kosmos_interfaces/msg/Reason, in lower case.
"""

from __future__ import annotations

from kosmos_agent.errors import KosmosAgentError


class ClockSkewError(KosmosAgentError):
    """A picture is stamped later than now: two machines' clocks differ."""

    code = "clock_skew"


class NoClockError(ClockSkewError):
    """The node goes by /clock, and nothing has come on it yet."""


class TimeJumpedBackError(KosmosAgentError):
    """The clock went back (a restarted simulation, a bag that loops): what was gathered no longer holds."""

    code = "time_jumped_back"


class NoCameraInfoError(KosmosAgentError):
    """No camera_info has arrived."""

    code = "no_camera_info"


class UnknownFrameError(KosmosAgentError):
    """tf has never heard of a frame."""

    code = "unknown_frame"


class FramesNotConnectedError(KosmosAgentError):
    """tf knows both frames, and no way from one to the other."""

    code = "frames_not_connected"


class TransformExtrapolationError(KosmosAgentError):
    """tf holds nothing about the moment asked for."""

    code = "transform_extrapolation"


class BadTransformError(KosmosAgentError):
    """A transform is not finite, not a rotation, without names, or closes a loop."""

    code = "bad_transform"


class NotActiveError(KosmosAgentError):
    """The lifecycle node is not active."""

    code = "not_active"


class NoServerError(KosmosAgentError):
    """Nobody in the graph serves a service or an action, or it does not answer."""

    code = "no_server"


class LifecycleError(KosmosAgentError):
    """A lifecycle node would not change its state."""

    code = "lifecycle_failed"


class ProcessEndedError(KosmosAgentError):
    """A node's process ended while it was needed."""

    code = "process_ended"


class SimulationEndedError(KosmosAgentError):
    """The simulated world is no more, so nothing can be asked of it."""

    code = "simulation_ended"


class RemoteError(KosmosAgentError):
    """What another node reported; `code` is the one that it gave."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class UnexpectedError(KosmosAgentError):
    """The model or a driver threw what nobody foresaw; the log holds where."""

    code = "other"
