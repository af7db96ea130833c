"""The options of `kosmos-agent mcp`: what is refused before anybody waits for a model."""

import sys

import pytest
from PIL import Image

pytest.importorskip("mcp")
from kosmos_sim.world import Tabletop

from kosmos_agent import cli
from kosmos_agent.cli._load import ModelChoice
from kosmos_agent.cli._mcp import SightChoice, bound_server
from kosmos_agent.cli.app import main
from kosmos_agent.errors import KosmosAgentError

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


@pytest.fixture
def photograph(tmp_path):
    with Tabletop.random(0, ("cup", "red")) as world:
        Image.fromarray(world.observe().rgb).save(tmp_path / "table.png")
    return tmp_path


async def test_a_photograph_is_looked_at_and_nothing_moves(photograph):
    sight = SightChoice("file:table.png", photograph, 0, False, None)
    server = bound_server(ModelChoice("tabletop", "auto", "cpu", 1), sight)
    try:
        found = await server.call("find_object", {"phrase": "the red cup"})
        located = await server.call("locate_object", {"phrase": "the red cup"})
    finally:
        server.close()
    assert all(skill.read_only for skill in server.tools)
    assert found.structured["status"] == "found"
    assert located.problem.code == "no_depth_image"


@pytest.mark.parametrize("words", ["file:../table.png", "file:absent.png", "http://127.0.0.1/table.png", "radar:1", ""])
def test_a_camera_that_there_is_not_is_refused(photograph, words):
    inside = photograph / "inside"
    inside.mkdir()
    with pytest.raises(KosmosAgentError):
        bound_server(ModelChoice("tabletop", "auto", "cpu", 1), SightChoice(words, inside, 0, False, None))


def test_without_the_library_it_says_what_to_type(capsys, monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] in ("mcp", "kosmos_mcp")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, "kosmos_agent.cli._mcp")
    monkeypatch.delattr(cli, "_mcp")
    monkeypatch.setitem(sys.modules, "mcp", None)
    assert "mcp is not installed; this command needs: pip install 'kosmos-agent[agent]'" in refused(capsys)
