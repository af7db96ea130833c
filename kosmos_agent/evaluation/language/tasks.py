"""The paper's language tasks, and what lm-evaluation-harness calls them."""

from __future__ import annotations

from collections.abc import Mapping

TASKS: Mapping[str, str] = {
    "storycloze": "storycloze_2016",
    "hellaswag": "hellaswag",
    "winograd": "wsc273",
    "winogrande": "winogrande",
    "piqa": "piqa",
    "boolq": "boolq",
    "cb": "cb",
    "copa": "copa",
}
"""StoryCloze is given out by its authors on request: the harness says where it wants the files."""
