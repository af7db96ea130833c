"""Which engine runs a checkpoint: `torch`, `openvino`, or a folder that holds an export."""

from __future__ import annotations

import importlib
import importlib.util
from pathlib import Path

from kosmos_agent.errors import InvalidArgumentError, MissingDependencyError
from kosmos_agent.export.manifest import MANIFEST_FILE
from kosmos_agent.model.engine import Engine

TORCH, OPENVINO = "torch", "openvino"


def load_exported(model_folder: Path, runtime: str | Path, *, dtype: str, device: str, threads: int | None) -> Engine:
    """The engine for any `runtime` but torch. Errors as of `openvino_loading.load`.

    InvalidArgumentError for an unknown runtime or one that does not compute on the device; MissingDependencyError,
    with the line to type, where OpenVINO is absent.
    """
    export = None if runtime == OPENVINO else _export_folder(runtime)
    if device != "cpu":
        raise InvalidArgumentError(f"device {device!r} with runtime {OPENVINO}; valid: cpu, or runtime {TORCH}")
    if importlib.util.find_spec("openvino") is None:
        raise MissingDependencyError(
            "openvino is not installed; this runtime needs: pip install 'kosmos-agent[fast]'; without it: runtime torch"
        )
    # Loaded by name, as only who asks for this runtime has the package and waits for its import.
    loading = importlib.import_module("kosmos_agent.runtime.openvino_loading")
    return loading.load(model_folder, export, dtype=dtype, threads=threads)


def _export_folder(runtime: str | Path) -> Path:
    folder = Path(runtime)
    if runtime == "" or not (folder / MANIFEST_FILE).is_file():
        raise InvalidArgumentError(
            f"runtime {str(runtime)!r}; valid: {TORCH}, {OPENVINO}, or a folder that kosmos-agent export made"
        )
    return folder
