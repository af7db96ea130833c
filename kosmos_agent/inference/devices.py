"""Which devices torch can use here."""

from __future__ import annotations

import torch

from kosmos_agent.errors import InvalidArgumentError


def check_device(name: str) -> None:
    """InvalidArgumentError, with the valid names, when torch cannot compute on the device."""
    valid = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    valid += ["cuda"] if torch.cuda.is_available() else []
    valid += ["mps"] if torch.backends.mps.is_available() else []
    if name not in valid:
        raise InvalidArgumentError(f"device {name!r} cannot be used here; valid: {', '.join(valid)}")


def synchronise(device: torch.device) -> None:
    """Waits until the device has done what it was given, so that a clock read next measures the work itself."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
