"""The conformance table of docs/results.md: python tests/conformance/table.py"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from cases import CASES
from rig import Rig
from test_conformance import FACES

from kosmos_agent.grounder import Grounder


def outcomes(rig, face_type):
    with face_type().opened(rig) as face:
        return {case.name: face.run(case) for case in CASES}


def table():
    """Markdown: a row for each case, a column for each face, and how far their boxes are from those of Python."""
    rig = Rig(Grounder.load("tabletop", threads=1))
    columns = {face.name: None if face.missing else outcomes(rig, face) for face in FACES}
    rows = [["case", *columns], ["---"] * (1 + len(columns))]
    rows += [[case.name, *(_cell(column, case) for column in columns.values())] for case in CASES]
    rows.append(["largest difference of a box corner", *(_furthest(columns, name) for name in columns)])
    lines = ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join([*lines, *(f"\n{face.name}: {face.missing}" for face in FACES if face.missing)])


def _cell(column, case):
    if column is None:
        return "not run"
    outcome = column[case.name]
    words = f"`{outcome.code or outcome.status}`"
    return words if case.shipped or (outcome.status, outcome.code) == (case.status, case.code) else f"**{words}**"


def _furthest(columns, name):
    if columns[name] is None:
        return "not run"
    pairs = [
        abs(mine - theirs)
        for case in CASES
        for box, other in zip(columns[name][case.name].boxes, columns["Python"][case.name].boxes, strict=True)
        for mine, theirs in zip(box, other, strict=True)
    ]
    return f"{max(pairs):.0e}" if max(pairs) else "0"


if __name__ == "__main__":
    print(table())
