"""The tables of docs/ros.md, from the graph's description and the settings. No ROS here.

`python -m kosmos_ros.docs_tables docs/ros.md` puts them between their marks.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from kosmos_agent import marks
from kosmos_ros.graph import NodeSpec, simulated_graph
from kosmos_ros.settings_table import markdown_table


def tables() -> dict[str, str]:
    """Name of the mark -> markdown."""
    nodes = simulated_graph().nodes
    return {
        "hears": "\n".join(
            [
                "| node | hears | remapped by `up` to |",
                "| --- | --- | --- |",
                *(row for spec in nodes for row in _hears(spec)),
            ]
        ),
        "says": "\n".join(["| node | says |", "| --- | --- |", *map(_says, nodes)]),
        "parameters": "\n\n".join(f"### `{spec.name}`\n\n{markdown_table(spec.settings)}" for spec in nodes),
    }


def filled(text: str) -> str:
    """`text` with each table between its marks. InvalidArgumentError: no mark."""
    return marks.filled(text, tables())


def _hears(spec: NodeSpec) -> list[str]:
    rows = []
    for name in spec.hears:
        target = spec.remappings.get(name)
        optional = " (optional)" if name in spec.optional else ""
        rows.append(f"| `{spec.name}` | `{name}`{optional} | {f'`{target}`' if target else ''} |")
    return rows


def _says(spec: NodeSpec) -> str:
    return (
        f"| `{spec.name}`{' (lifecycle)' if spec.lifecycle else ''} | {', '.join(f'`{name}`' for name in spec.says)} |"
    )


def main(arguments: Sequence[str] | None = None) -> int:
    (name,) = sys.argv[1:] if arguments is None else arguments
    path = Path(name)
    path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
