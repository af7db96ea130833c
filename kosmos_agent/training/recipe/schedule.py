"""Learning rate over a run (paper, tables 7 and 8)."""

from __future__ import annotations


def linear_decay(step: int, steps: int, warmup_steps: int) -> float:
    """Share of the highest rate at `step`, from 0: up in a straight line, then down to zero at `steps`."""
    if step < warmup_steps:
        return (step + 1) / warmup_steps
    return max(0.0, (steps - step) / (steps - warmup_steps))
