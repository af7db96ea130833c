"""The command `kosmos-agent`, and the border at which errors become one line and exit code 2."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from kosmos_agent.cli import agent, bench, calibrate, caption, demo, doctor, export, find, grit, mcp, ros, serve, train
from kosmos_agent.cli import eval as evaluate
from kosmos_agent.errors import KosmosAgentError
from kosmos_agent.version import __version__

USER_ERROR, INTERRUPTED = 2, 130

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
app.command()(find.find)
app.command()(caption.caption)
app.command()(caption.answer)
app.command()(caption.describe)
app.command()(demo.demo)
app.add_typer(evaluate.app, name="eval")
app.add_typer(train.app, name="train")
app.add_typer(grit.app, name="grit")
app.add_typer(ros.app, name="ros")
app.command()(agent.agent)
app.command()(mcp.mcp)
app.command()(serve.serve)
app.command()(calibrate.calibrate)
app.command()(export.export)
app.command()(bench.bench)
app.command()(doctor.doctor)


def _print_version(asked: bool) -> None:
    if asked:
        typer.echo(f"kosmos-agent {__version__}")
        raise typer.Exit


_Version = Annotated[
    bool, typer.Option("--version", callback=_print_version, is_eager=True, help="print the version and stop")
]


@app.callback()
def root(version: _Version = False) -> None:
    """Name a thing, and the robot finds it, says how sure it is, and hands it over in metres."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns the exit code: 0, 2 for what the user can mend, 130 when interrupted."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return app(args=words or ["--help"], prog_name="kosmos-agent", standalone_mode=False) or 0
    except typer.TyperException as error:
        message = error.format_message()  # empty where the help of a group was printed instead
        return _fail(f"{message} (see kosmos-agent --help)") if message else USER_ERROR
    except KosmosAgentError as error:
        return _fail(str(error))
    except (KeyboardInterrupt, typer.Abort):
        return INTERRUPTED
    except BrokenPipeError:
        # The reader has gone (`| head`): nothing more can be said, and the interpreter must not try at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1


def _fail(message: str) -> int:
    typer.echo(f"kosmos-agent: {' '.join(message.split())}", err=True)
    return USER_ERROR
