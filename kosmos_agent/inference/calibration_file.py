"""The calibrations beside the weights: used when fitted for them, set aside with a reason when not."""

from __future__ import annotations

from pathlib import Path

from kosmos_agent.calibration import CALIBRATION_FILE, SINGLE_LOOK_FILE, Calibration
from kosmos_agent.model.fingerprint import weights_sha256


def load_calibration(folder: Path, *, single_look: bool = False) -> tuple[Calibration | None, tuple[str, ...]]:
    """The folder's calibration, and warnings. CheckpointError when the file is malformed.

    single_look: that of a single look, where the folder has one.
    """
    path = folder / CALIBRATION_FILE
    if single_look and (folder / SINGLE_LOOK_FILE).is_file():
        path = folder / SINGLE_LOOK_FILE
    if not path.is_file():
        return None, ()
    calibration = Calibration.read(path)
    own = weights_sha256(folder)
    if calibration.weights_sha256 == own:
        return calibration, ()
    return None, (
        f"{path} is not used: it was fitted for weights {calibration.weights_sha256[:12]}, these are {own[:12]}; "
        "probabilities are not calibrated, and nothing can be said to be absent. To fit one for these weights: "
        "kosmos-agent calibrate",
    )
