"""A process of this project's side: see `lone`."""

from __future__ import annotations

import torch

from kosmos_agent.benchmarking.lone import LoneChoice
from kosmos_agent.benchmarking.lone_child import run_child
from kosmos_agent.benchmarking.ours import Ours, Variant


def load(choice: LoneChoice) -> Ours:
    torch.set_num_threads(choice.threads)
    return Ours.load(choice.model, Variant(choice.dtype, choice.runtime), choice.device, choice.threads)


if __name__ == "__main__":
    run_child(load)
