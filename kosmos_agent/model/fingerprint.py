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
