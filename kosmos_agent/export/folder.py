"""Writes an export whole or not at all, and opens one only for the weights that it was made from."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Literal, Protocol

import torch
from safetensors.torch import save_file

from kosmos_agent.errors import CheckpointError, InvalidArgumentError
from kosmos_agent.export.graphs import EMBEDDING, EMBEDDING_FILE, Graph, graphs, positions_held
from kosmos_agent.export.manifest import MANIFEST_FILE, Manifest, file_sha256, stored
from kosmos_agent.model.checkpoint import load_model, read_config
from kosmos_agent.model.config import Kosmos2Config
from kosmos_agent.model.fingerprint import weights_sha256
from kosmos_agent.version import __version__


class Format(Protocol):
    """`openvino_format`, `openvino_int8.Int8Format` or `onnx_format`."""

    @property
    def FORMAT(self) -> Literal["openvino", "onnx"]: ...  # noqa: N802

    @property
    def precision(self) -> Literal["float32", "int8"]: ...

    def version(self) -> str: ...

    def write(self, graph: Graph, folder: Path) -> list[str]:
        """Names of the files that hold the graph; a runtime opens the first."""


def export_model(model_folder: Path, out: Path, written_as: Format) -> Manifest:
    """Graphs, embedding and manifest of the checkpoint in `model_folder`, in place of an older export at `out`.

    InvalidArgumentError when something else stands at `out`, or nothing can be written there.
    """
    _check_place(out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as scratch:
            made = Path(scratch) / "made"
            made.mkdir()
            manifest = _write(model_folder, made, written_as)
            _replace(made, out, Path(scratch) / "old")
    except OSError as error:
        raise InvalidArgumentError(f"{out} cannot be written: {error.strerror or error}") from error
    return manifest


def open_export(folder: Path, model_folder: Path) -> Manifest:
    """CheckpointError when the export is of other weights or another configuration, or not whole."""
    manifest = Manifest.read(folder)
    own = weights_sha256(model_folder)
    if manifest.weights_sha256 != own:
        raise CheckpointError(
            f"{folder} was exported from weights {manifest.weights_sha256[:12]}, those of {model_folder} are "
            f"{own[:12]}; valid: an export of these weights (kosmos-agent export)"
        )
    if Kosmos2Config.from_dict(manifest.config) != read_config(model_folder):
        raise CheckpointError(f"{folder} was exported under another config.json than {model_folder} has; export again")
    manifest.check_files(folder)
    return manifest


def _write(model_folder: Path, folder: Path, written_as: Format) -> Manifest:
    model = load_model(model_folder, dtype=torch.float32)
    made = graphs(model)
    embedding = model.text_model.model.embed_tokens.weight.detach().contiguous()
    save_file({EMBEDDING: embedding}, folder / EMBEDDING_FILE)
    written = {graph.name: written_as.write(graph, folder) for graph in made}
    names = [EMBEDDING_FILE, *(name for names in written.values() for name in names)]
    manifest = Manifest(
        format=written_as.FORMAT,
        precision=written_as.precision,
        weights_sha256=weights_sha256(model_folder),
        config=model.config.to_dict(),
        versions={"kosmos_agent": __version__, "torch": torch.__version__, written_as.FORMAT: written_as.version()},
        positions=positions_held(model.config),
        graphs={graph.name: stored(graph, written[graph.name][0]) for graph in made},
        files={name: file_sha256(folder / name) for name in names},
    )
    manifest.write(folder)
    return manifest


def _check_place(out: Path) -> None:
    """Only an export or an empty folder is replaced."""
    try:
        taken = out.exists() and not (out.is_dir() and (not any(out.iterdir()) or (out / MANIFEST_FILE).is_file()))
    except OSError as error:
        raise InvalidArgumentError(f"{out} cannot be looked at: {error.strerror}") from error
    if taken:
        raise InvalidArgumentError(f"{out} holds something else; valid: a new or empty folder, or an older export")


def _replace(made: Path, out: Path, old: Path) -> None:
    """Two renames; where another process has put its export there in between, that one stays."""
    if out.exists():
        os.rename(out, old)
    try:
        os.rename(made, out)
    except OSError:
        if not (out / MANIFEST_FILE).is_file():
            raise
    shutil.rmtree(old, ignore_errors=True)
