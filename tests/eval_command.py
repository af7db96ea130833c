"""`kosmos-agent eval` as its tests call it."""

from __future__ import annotations

import json

from kosmos_agent.cli.app import main


def evaluate(capsys, *words):
    """Its exit code, what it printed, and what it said on stderr."""
    code = main(["eval", *map(str, words)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def report_of(result):
    code, out, err = result
    assert code == 0, err
    return json.loads(out.splitlines()[-1])
