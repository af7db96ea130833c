"""The options of `kosmos-agent mcp`: what is refused before anybody waits for a model."""

import sys

import pytest

pytest.importorskip("mcp")
from kosmos_agent import cli
from kosmos_agent.cli._mcp import read_token
from kosmos_agent.cli.app import main
from kosmos_agent.errors import InvalidArgumentError

TOKEN = "a-token-of-the-tests"  # noqa: S105


def refused(capsys, *words):
    """The one line on stderr."""
    code = main(["mcp", *words])
    out, err = capsys.readouterr()
    assert (code, out, len(err.splitlines())) == (2, "", 1)
    return err


def test_beyond_loopback_a_token_is_needed(capsys, monkeypatch):
    monkeypatch.delenv("KOSMOS_MCP_TOKEN", raising=False)
    assert "--token-file or KOSMOS_MCP_TOKEN" in refused(capsys, "--http", "--host", "0.0.0.0")  # noqa: S104
    monkeypatch.setenv("KOSMOS_MCP_TOKEN", "short")
    assert "16 ASCII characters or more" in refused(capsys, "--http", "--host", "192.0.2.1")
    monkeypatch.setenv("KOSMOS_MCP_TOKEN", TOKEN)
    assert "--allow-host" in refused(capsys, "--http", "--host", "::")


def test_motion_needs_an_arm(capsys):
    message = refused(capsys, "--http", "--port", "0", "--camera", "file:cup.png", "--allow-motion")
    assert "no arm is bound to file:cup.png; valid: --camera sim" in message


def test_without_the_library_it_says_what_to_type(capsys, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mcp", "kosmos_mcp")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "kosmos_agent.cli._mcp")
    monkeypatch.delattr(cli, "_mcp")
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert "mcp is not installed; this command needs: pip install 'kosmos-agent[agent]'" in refused(capsys)


def test_the_token_is_read_from_its_file_or_else_the_environment(tmp_path, monkeypatch):
    file = tmp_path / "token"
    file.write_text(f"{TOKEN}\n")
    monkeypatch.setenv("KOSMOS_MCP_TOKEN", "the-environment's")
    assert read_token(file) == TOKEN
    assert read_token(None) == "the-environment's"
    monkeypatch.setenv("KOSMOS_MCP_TOKEN", "")
    assert read_token(None) is None


@pytest.mark.parametrize("content", [None, b"", b"\n", b"\xff\xfe"])
def test_a_token_file_without_a_token_is_refused(tmp_path, content):
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InvalidArgumentError, match="token"):
        read_token(file)
