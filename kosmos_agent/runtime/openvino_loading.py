"""From a checkpoint to an OpenVINO engine: through a given export, or one that is made once and kept."""

from __future__ import annotations

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from kosmos_agent.errors import CheckpointError
from kosmos_agent.export import openvino_format
from kosmos_agent.export.folder import export_model, open_export
from kosmos_agent.export.manifest import MANIFEST_FILE, VERSION, Manifest
from kosmos_agent.file_lock import held
from kosmos_agent.model.checkpoint import CONFIG_FILE, read_json
from kosmos_agent.model.fingerprint import weights_sha256
from kosmos_agent.runtime.openvino_engine import OpenVinoEngine
from kosmos_agent.runtime.user_cache import forget_oldest
from kosmos_agent.user_cache import cache_folder


def load(model_folder: Path, export: Path | None, *, dtype: str, threads: int | None) -> OpenVinoEngine:
    """export: a folder that `kosmos-agent export` made; None for the user's cache, where it is made on first use.

    CheckpointError for an export of other weights; InvalidArgumentError for a dtype that this CPU is not made for.
    """
    if export is None:
        export = kept_export(model_folder)
    manifest = open_export(export, model_folder)
    return OpenVinoEngine(export, manifest, precision=dtype, threads=threads)


def kept_export(model_folder: Path) -> Path:
    """The export of these very weights in the user's cache; made, whole or not at all, where it is not there yet.

    Processes that start together make it once.
    """
    folder = cache_folder() / openvino_format.FORMAT
    place = folder / fingerprint(model_folder)
    if not _whole(place):
        folder.mkdir(parents=True, exist_ok=True)
        with held(folder / f".{place.name}.lock"):
            if not _whole(place):
                export_model(model_folder, place, openvino_format)
                forget_oldest(folder, place)
    with suppress(OSError):  # of a cache that may only be read nothing is removed either
        (place / MANIFEST_FILE).touch()
    return place


def fingerprint(model_folder: Path) -> str:
    """Of weights, configuration, and what wrote the graphs."""
    written = [weights_sha256(model_folder), read_json(model_folder / CONFIG_FILE), openvino_format.version(), VERSION]
    return hashlib.sha256(json.dumps(written, sort_keys=True).encode()).hexdigest()[:32]


def _whole(place: Path) -> bool:
    try:
        Manifest.read(place).check_files(place)
    except CheckpointError:
        return False
    return True
