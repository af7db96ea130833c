"""The generated parts of docs/performance.md, by the mark that each stands behind."""

from __future__ import annotations

from kosmos_agent.benchmarking.report import Comparison
from kosmos_agent.benchmarking.tables import (
    answers_table,
    crowd_table,
    floors_table,
    limits_table,
    lone_table,
    machine_line,
    noise_line,
    operations_table,
    parts_table,
    ratios_table,
    throughput_table,
    works_table,
)

_ABSENT = "Not measured in this run."


def page_tables(embedded: Comparison, full: Comparison) -> dict[str, str]:
    """Name of the mark -> markdown."""
    limits = limits_table({"the published model": full, "the embedded model": embedded})
    tables = {"limits": limits, "parts": parts_table(embedded), "operations": operations_table(embedded)}
    for prefix, found in (("embedded", embedded), ("full", full)):
        tables |= {
            f"{prefix} machine": machine_line(found),
            f"{prefix} works": "\n\n".join(filter(None, (works_table(found), throughput_table(found)))),
            f"{prefix} ratios": ratios_table(found),
            f"{prefix} answers": answers_table(found) if found.answers else "",
            f"{prefix} floors": floors_table(found) if found.stages else "",
            f"{prefix} lone": lone_table(found) if found.lone else "",
            f"{prefix} beside": crowd_table(found) if found.beside else "",
            f"{prefix} noise": noise_line(found),
        }
    return {name: table or _ABSENT for name, table in tables.items()}
