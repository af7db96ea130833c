"""From a model's name to its folder."""

import errno
import os
import pickle
from pathlib import Path

import pytest
from huggingface_hub.errors import LocalEntryNotFoundError

from kosmos_agent.errors import CheckpointError, UnknownModelError
from kosmos_agent.model import folder as module
from kosmos_agent.model.folder import absolute_name, embedded_models, locate


@pytest.fixture
def weights(tmp_path, monkeypatch):
    (tmp_path / "weights" / "small").mkdir(parents=True)
    (tmp_path / "weights" / "small" / "config.json").write_text("{}")
    (tmp_path / "weights" / "unfinished").mkdir()
    monkeypatch.setattr(module, "WEIGHTS_FOLDER", tmp_path / "weights")
    return tmp_path / "weights"


def test_embedded_names_and_folders(weights, tmp_path, monkeypatch):
    assert embedded_models() == ("small",)
    assert locate("small") == weights / "small"
    (tmp_path / "small").mkdir()
    monkeypatch.chdir(tmp_path)
    assert locate("small") == weights / "small"
    assert locate("./small") == locate(Path("small")) == Path("small")


@pytest.mark.parametrize("name", ["large", "", "a/b/c", "../absent", "unfinished"])
def test_an_unknown_name_lists_what_is_valid(weights, name, monkeypatch):
    if name == "":
        monkeypatch.chdir(weights)
    with pytest.raises(UnknownModelError, match=r"valid: small, microsoft/kosmos-2-patch14-224, a local folder"):
        locate(name)


def test_a_single_file_is_refused(tmp_path):
    (tmp_path / "model.pt").write_bytes(b"")
    with pytest.raises(CheckpointError, match="the folder that holds"):
        locate(tmp_path / "model.pt")


def test_a_folder_that_may_not_even_be_looked_at_is_named(tmp_path, monkeypatch):
    with pytest.raises(CheckpointError, match="xxx cannot be opened: File name too long"):
        locate(tmp_path / ("x" * 300))

    def refuse(self, **_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(self))

    monkeypatch.setattr(Path, "stat", refuse)
    with pytest.raises(CheckpointError, match="locked cannot be opened: Permission denied"):
        locate(tmp_path / "locked")


def test_the_hub_is_asked_for_safe_files_only(weights, monkeypatch, tmp_path):
    asked = {}

    def download(name, **options):
        asked.update(options, name=name)
        return str(tmp_path)

    monkeypatch.setattr("huggingface_hub.snapshot_download", download)
    assert locate("microsoft/kosmos-2-patch14-224") == tmp_path
    assert asked == {"name": "microsoft/kosmos-2-patch14-224", "allow_patterns": ["*.json", "*.safetensors"]}


def test_without_a_network_the_error_says_what_works(weights, monkeypatch):
    def fail(*_, **__):
        raise LocalEntryNotFoundError("offline")

    monkeypatch.setattr("huggingface_hub.snapshot_download", fail)
    with pytest.raises(CheckpointError, match=r"no folder models/foo here.*no copy is cached.*model \(small\)"):
        locate("models/foo")


def test_a_process_in_another_folder_is_told_the_whole_path(weights, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    monkeypatch.chdir(tmp_path)
    assert absolute_name("small") == "small"
    assert absolute_name("mine") == absolute_name(Path("./mine")) == str((tmp_path / "mine").resolve())
    with pytest.raises(UnknownModelError) as raised:
        absolute_name("no-such-model")
    again = pickle.loads(pickle.dumps(raised.value))  # noqa: S301  # as it comes back from another process
    assert (type(again), str(again), again.code) == (UnknownModelError, str(raised.value), "unknown_model")
