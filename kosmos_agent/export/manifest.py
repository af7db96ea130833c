"""`manifest.json` of an export: of which weights it is, what goes in and out, and that its files are whole."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kosmos_agent.errors import CheckpointError
from kosmos_agent.export.graphs import Graph, Port

MANIFEST_FILE = "manifest.json"
VERSION: Literal[1] = 1
MAX_FILE_BYTES = 1 << 20

_Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_FileName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_]+\.[a-z]+$")]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PortShape(_Strict):
    """A size that varies has a name in place of a number; equal names are equal sizes."""

    dtype: str
    shape: tuple[int | str, ...]


class StoredGraph(_Strict):
    """file: what a runtime opens. Inputs and outputs by name, in order."""

    file: _FileName
    inputs: dict[str, PortShape]
    outputs: dict[str, PortShape]


class Manifest(_Strict):
    """config: the model's `config.json`. files: name -> SHA-256.

    precision: int8 where convolutions hold 8-bit ranges. versions: of the packages that wrote it. positions: ids of
    positions below this are in the decoder graph.
    """

    version: Literal[1] = VERSION
    format: Literal["openvino", "onnx"]
    precision: Literal["float32", "int8"]
    weights_sha256: _Sha256
    config: dict[str, Any]
    versions: dict[str, str]
    positions: Annotated[int, Field(ge=1)]
    graphs: dict[str, StoredGraph]
    files: dict[_FileName, _Sha256]

    @classmethod
    def read(cls, folder: Path) -> Manifest:
        """CheckpointError when there is none or it does not keep to the format."""
        path = folder / MANIFEST_FILE
        try:
            data = path.read_bytes() if path.stat().st_size <= MAX_FILE_BYTES else b""
            return cls.model_validate_json(data)
        except OSError as error:
            raise CheckpointError(
                f"{folder} is no export ({MANIFEST_FILE}: {error.strerror}); valid: what kosmos-agent export wrote"
            ) from error
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"])) or "the whole"
            raise CheckpointError(f"{path}: {place}: {first['msg']}; valid: what kosmos-agent export wrote") from error

    def write(self, folder: Path) -> None:
        (folder / MANIFEST_FILE).write_text(self.model_dump_json(indent=2) + "\n", encoding="utf-8")

    def check_files(self, folder: Path) -> None:
        """CheckpointError, naming the file, where one is absent or not what was written."""
        for name, expected in self.files.items():
            if file_sha256(folder / name) != expected:
                raise CheckpointError(f"{folder / name} is not the file that {MANIFEST_FILE} tells of; export it again")


def stored(graph: Graph, file: str) -> StoredGraph:
    return StoredGraph(file=file, inputs=_shapes(graph.inputs), outputs=_shapes(graph.outputs))


def _shapes(ports: tuple[Port, ...]) -> dict[str, PortShape]:
    return {port.name: PortShape(dtype=str(port.dtype).removeprefix("torch."), shape=port.shape) for port in ports}


def file_sha256(path: Path) -> str:
    """CheckpointError when the file cannot be read."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror}") from error
