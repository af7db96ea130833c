"""Which weights these are, whatever their folder is called."""

from __future__ import annotations

import hashlib
from pathlib import Path

from kosmos_agent.errors import CheckpointError
from kosmos_agent.model.checkpoint import weight_files


def weights_sha256(folder: Path) -> str:
    """SHA-256 of the safetensors file, or of all shards one after another in the order of their names.

    It reads every byte, so it is made only where a file says which weights it belongs to. CheckpointError when the
    folder holds no weights that can be read.
    """
    digest = hashlib.sha256()
    for path in weight_files(folder):
        try:
            with path.open("rb") as file:
                while block := file.read(1 << 22):
                    digest.update(block)
        except OSError as error:
            raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
    return digest.hexdigest()


def settings_sha256(folder: Path) -> str:
    """SHA-256 of all that stands beside the weights and that answers depend on: the JSON files, by name and content.

    CheckpointError when one cannot be read.
    """
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.json")):
        try:
            content = path.read_bytes()
        except OSError as error:
            raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
        digest.update(f"{path.name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()
