"""The files in `config/` as they must be: every setting of every node, with what it is. No ROS here.

`python -m kosmos_ros.config_files FOLDER` writes them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from kosmos_ros.graph import SIM_TIME, Graph, NodeSpec, camera_graph, parameter_text, simulated_graph
from kosmos_ros.settings_table import described


def config_files() -> dict[str, str]:
    """File name -> text."""
    return {"bringup.yaml": config_text(camera_graph()), "sim.yaml": config_text(simulated_graph())}


def config_text(graph: Graph) -> str:
    """YAML with one block for each node: the defaults, and `differs` where the graph wants something else."""
    lines = ["# Written by `python -m kosmos_ros.config_files`, from the settings of the nodes: edit your own copy."]
    for spec in graph.nodes:
        lines += ["", f"{spec.full_name}:", "  ros__parameters:"]
        lines += [f"    {line}" for line in _parameters(spec)]
    return "\n".join(lines) + "\n"


def _parameters(spec: NodeSpec) -> list[str]:
    lines = []
    for item in (SIM_TIME, *described(spec.settings)):
        value = spec.parameters.get(item.name, item.default)
        differs = "" if value == item.default else f"; by itself {parameter_text(item.default)}"
        lines.append(f"{item.name}: {parameter_text(value)}  # {item.description}{differs}")
    return lines


def main(arguments: Sequence[str] | None = None) -> int:
    (folder,) = sys.argv[1:] if arguments is None else arguments
    for name, text in config_files().items():
        (Path(folder) / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
