"""The options of `kosmos-agent serve`: what is refused before anybody waits for a model, and what is missing."""

import subprocess
import sys

import pytest

from kosmos_agent import cli
from kosmos_agent.cli.app import main

TOKEN = "a-token-of-the-tests"  # noqa: S105


@pytest.fixture(autouse=True)
def _no_token(monkeypatch):
    monkeypatch.delenv("KOSMOS_SERVE_TOKEN", raising=False)


def refused(capsys, *words):
    """What is told, where nothing was served."""
    assert main(["serve", *words]) == 2
    return capsys.readouterr().err


@pytest.fixture
def _no_model(monkeypatch):
    """Whoever loads one has let in what should be refused."""
    from kosmos_agent.cli import _serve

    def loaded(_):
        raise AssertionError("a model was loaded")

    monkeypatch.setattr(_serve, "load_grounder", loaded)


@pytest.mark.usefixtures("_no_model")
def test_what_must_not_be_served_is_refused_at_once(capsys, tmp_path, monkeypatch):
    assert "with a token" in refused(capsys, "--host", "0.0.0.0")  # noqa: S104
    assert "no token can be read" in refused(capsys, "--token-file", str(tmp_path / "none"))
    monkeypatch.setenv("KOSMOS_SERVE_TOKEN", "short")
    assert "this token is no good" in refused(capsys)
    monkeypatch.setenv("KOSMOS_SERVE_TOKEN", TOKEN)
    assert "--allow-host" in refused(capsys, "--host", "0.0.0.0")  # noqa: S104
    assert "cannot listen on 192.0.2.1" in refused(capsys, "--host", "192.0.2.1", "--port", "0")
    for option, value in (("--replicas", "2"), ("--ray-address", "x:1"), ("--name", "a"), ("--gpus", "0.5")):
        assert f"{option}: of replicas on Ray Serve; valid with --engine ray" in refused(capsys, option, value)
    for words in (
        ("--replicas", "0"),
        ("--gpus", "0"),
        ("--max-requests", "0"),
        ("--port", "70000"),
        ("--engine", "magic"),
    ):
        assert words[0] in refused(capsys, *words)


def test_a_model_that_is_not_there_is_named(capsys):
    assert "unknown model 'no-such-model'" in refused(capsys, "--model", "no-such-model", "--port", "0")


@pytest.mark.parametrize(
    ("package", "words", "extra"), [("fastapi", (), "serve"), ("ray", ("--engine", "ray"), "scale")]
)
def test_without_the_libraries_it_says_what_to_type(capsys, monkeypatch, package, words, extra):
    gone = ("kosmos_agent.cli._serve", "kosmos_agent.serving", package)
    for name in [name for name in sys.modules if any(name == top or name.startswith(f"{top}.") for top in gone)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delattr(cli, "_serve", raising=False)
    monkeypatch.setitem(sys.modules, package, None)
    expected = f"{package} is not installed; this command needs: pip install 'kosmos-agent[{extra}]'"
    assert expected in refused(capsys, *words)


@pytest.fixture
def engines(monkeypatch):
    """The engines that would have been served."""
    pytest.importorskip("ray", reason="ray not installed (extra scale)")
    from kosmos_agent.cli import _serve

    class Server:
        url = "http://nobody"

        def __init__(self, engine, *_, **__):
            made.append(engine)

        def run(self):
            pass

    made = []
    monkeypatch.setattr(_serve, "GroundingServer", Server)
    return made


def test_replicas_on_cuda_ask_ray_for_gpus(capsys, engines, tmp_path):
    words = ["serve", "--engine", "ray", "--replicas", "4"]
    for more in ([], ["--device", "cuda"], ["--device", "cuda", "--gpus", "0.25", "--name", "eyes"]):
        assert main([*words, *more]) == 0
    options = [engine._deployment().ray_actor_options for engine in engines]
    assert [option["num_gpus"] for option in options] == [0, 1, 0.25]
    assert engines[0].name != engines[1].name
    assert engines[2].name == "eyes"
    for more, told in (
        (["--device", "cuda:1"], "--device cuda:1: Ray chooses the GPU of each process; valid: --device cuda"),
        (["--gpus", "1"], "--gpus 1 on --device cpu; valid with --device cuda"),
        (["--model", "no-such-model"], "unknown model 'no-such-model'"),
    ):
        assert told in refused(capsys, *words[1:], *more)
    assert len(engines) == 3


def test_everything_else_works_without_them():
    """The package, the command line and the client, where neither server nor Ray can be imported."""
    code = (
        "import sys\n"
        "for name in ('fastapi', 'uvicorn', 'starlette', 'ray', 'prometheus_client', 'multipart'):\n"
        "    sys.modules[name] = None\n"
        "import kosmos_agent.cli.app, kosmos_agent.remote, kosmos_agent.serving.worker\n"
        "kosmos_agent.remote.RemoteGrounder('http://127.0.0.1:1')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_client_needs_no_torch():
    code = "import sys, kosmos_agent.remote; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
