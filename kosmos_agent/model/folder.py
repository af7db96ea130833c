"""From a model's name to the folder that holds it: embedded, local, or on the hub."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

from kosmos_agent.errors import CheckpointError, UnknownModelError

HUB_MODELS = ("microsoft/kosmos-2-patch14-224",)
WEIGHTS_FOLDER = Path(__file__).parents[1] / "weights"

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_SAFE_FILES = ["*.json", "*.safetensors"]


def embedded_models() -> tuple[str, ...]:
    """Names of the models that ship inside the package."""
    return tuple(sorted(path.parent.name for path in WEIGHTS_FOLDER.glob("*/config.json")))


def locate(name: str | Path) -> Path:
    """The folder of an embedded name, a local folder, or a hub id (downloaded on first use, only json and safetensors).

    An embedded name wins over a folder of the same name: write `./name` for the folder. UnknownModelError when it is
    none of the three; CheckpointError for a single file, for a folder that may not be looked at, or when there is no
    such folder and the hub cannot be reached.
    """
    if isinstance(name, str) and name in embedded_models():
        return WEIGHTS_FOLDER / name
    if name == "":
        raise _unknown(name)
    path = Path(name)
    try:
        is_folder, is_file = path.is_dir(), path.is_file()
    except OSError as error:
        raise CheckpointError(f"the model folder {path} cannot be opened: {error.strerror}") from error
    if is_folder:
        return path
    if is_file:
        raise CheckpointError(f"{path} is a file; valid: the folder that holds config.json and model.safetensors")
    if isinstance(name, str) and _HUB_ID.fullmatch(name):
        return _download(name)
    raise _unknown(name)


def absolute_name(name: str | Path) -> str:
    """`name` as a process in another folder may be told it: a local folder by its whole path. Errors of `locate`."""
    folder = locate(name)
    is_local = name not in embedded_models() and Path(name).is_dir()
    return str(folder.resolve()) if is_local else str(name)


def _download(hub_id: str) -> Path:
    # Loaded by name, for downloads only: it would take a tenth of every start.
    hub = importlib.import_module("huggingface_hub")
    errors = importlib.import_module("huggingface_hub.errors")
    try:
        return Path(hub.snapshot_download(hub_id, allow_patterns=_SAFE_FILES))
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise _unknown(hub_id) from error
    except OSError as error:
        names = ", ".join(embedded_models()) or "none"
        raise CheckpointError(
            f"there is no folder {hub_id} here, and as the name of a model on the hub it cannot be downloaded and no "
            f"copy is cached ({type(error).__name__}). Valid without a network: an embedded model ({names}) or a local "
            "folder"
        ) from error


def _unknown(name: str | Path) -> UnknownModelError:
    return UnknownModelError(str(name), [*embedded_models(), *HUB_MODELS, "a local folder"])
