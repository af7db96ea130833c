"""Coded errors. Every message names what was wrong and what would have been valid.

"Not found" is an answer (`results.Grounding.status`), never one of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable


class KosmosAgentError(Exception):
    """Base of all errors raised on purpose. `code` is stable and safe to branch on."""

    code = "error"


class InvalidImageError(KosmosAgentError):
    """The bytes or array are not a usable picture."""

    code = "invalid_image"


class InvalidPhraseError(KosmosAgentError):
    """The phrase or question is empty, too long, or not text."""

    code = "invalid_phrase"


class InvalidBoxError(KosmosAgentError):
    """A box is not finite, is empty, or is inverted."""

    code = "invalid_box"


class InvalidArgumentError(KosmosAgentError):
    """Any other argument outside its stated range."""

    code = "invalid_argument"


class InvalidLabelsError(KosmosAgentError):
    """A folder of labelled pictures does not keep to the format; the message names the line."""

    code = "invalid_labels"


class InvalidDatasetError(KosmosAgentError):
    """A public benchmark's files do not keep to their format; the message names the file and the entry."""

    code = "invalid_dataset"


class EvaluationError(KosmosAgentError):
    """An evaluation cannot go on; what was finished is kept, and the same command resumes."""

    code = "evaluation_failed"


class ChangedRunError(KosmosAgentError):
    """What a folder holds was made by another model, from other data or with other settings; the message says which."""

    code = "changed_run"


class UnknownModelError(KosmosAgentError):
    """No model of that name, folder or hub id."""

    code = "unknown_model"

    def __init__(self, name: str, valid: Iterable[str]) -> None:
        super().__init__(f"unknown model {name!r}; valid: {', '.join(valid)}")

    def __reduce__(self) -> tuple[Callable[[str, str], KosmosAgentError], tuple[str, str]]:
        """It comes whole from another process: it is not made from a message, as the others are."""
        return error_of, (self.code, str(self))


class CheckpointError(KosmosAgentError):
    """A weights folder is incomplete, misshapen or unreadable; the message names the tensors."""

    code = "bad_checkpoint"


class CancelledError(KosmosAgentError):
    """The caller asked to stop; nothing was moved or answered."""

    code = "cancelled"


class InvalidDepthError(KosmosAgentError):
    """The depth picture is of the wrong type or unit, or implausible as metres."""

    code = "invalid_depth"


class NoDepthError(KosmosAgentError):
    """Too little valid depth inside the box to make a target."""

    code = "no_depth"


class NoTargetError(KosmosAgentError):
    """A target was asked for from an answer that holds no box."""

    code = "no_target"


class CameraModelError(KosmosAgentError):
    """Intrinsics, distortion or pose are malformed, or do not fit the picture."""

    code = "bad_camera"


class PlanningError(KosmosAgentError):
    """The planner cannot reach or hold the target."""

    code = "planning_failed"


class LayoutError(KosmosAgentError):
    """This seed finds no table as it was asked for; another one may."""

    code = "no_layout"


class MissingDependencyError(KosmosAgentError):
    """An optional package or system library is absent; the message holds the line to type."""

    code = "missing_dependency"


class NoImageError(KosmosAgentError):
    """No picture has arrived."""

    code = "no_image"


class StaleImageError(KosmosAgentError):
    """The newest picture is older than allowed."""

    code = "stale_image"


class UnknownTargetError(KosmosAgentError):
    """No tracked target has this id, or it was lost."""

    code = "unknown_target"


class BusyError(KosmosAgentError):
    """Another goal is being worked on."""

    code = "busy"


class GoalTimeoutError(KosmosAgentError):
    """A goal ran past its own time limit."""

    code = "timeout"


class NoArmError(KosmosAgentError):
    """No arm serves the action, or it went away while it moved."""

    code = "no_arm"


class NoDepthImageError(KosmosAgentError):
    """No depth picture was taken with this picture, within the slop."""

    code = "no_depth_image"


class InvalidConfigError(KosmosAgentError):
    """A recipe file holds an unknown key or a value outside its range; the message names both and what is valid."""

    code = "invalid_config"


class InvalidSampleError(KosmosAgentError):
    """A record of training data is unusable; the message names the file and what is wrong."""

    code = "invalid_sample"


class TrainingError(KosmosAgentError):
    """Training cannot go on; what was saved is kept, and the same command resumes."""

    code = "training_failed"


class TooLargeError(KosmosAgentError):
    """A request holds more bytes than a server takes."""

    code = "too_large"


class UnauthorizedError(KosmosAgentError):
    """A server wants a token, or another one."""

    code = "unauthorized"


class NotReadyError(KosmosAgentError):
    """A server is starting or ending; ask again later."""

    code = "not_ready"


class UnreachableError(KosmosAgentError):
    """Nothing answers at an address, or what answers is no server of this project."""

    code = "unreachable"


class UnforeseenError(KosmosAgentError):
    """The model threw what nobody foresaw; the log holds where."""

    code = "other"


def error_of(code: str, message: str) -> KosmosAgentError:
    """What another process reported: of the class that has this code here, or of the base with the code."""
    kind = next((kind for kind in KosmosAgentError.__subclasses__() if kind.code == code), KosmosAgentError)
    error = kind.__new__(kind, message)  # not all of them are made from a message
    error.code = code
    return error
