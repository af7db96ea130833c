"""A process of the other side: see `lone`."""

from __future__ import annotations

import torch

from kosmos_agent.benchmarking.lone import LoneChoice
from kosmos_agent.benchmarking.lone_child import run_child
from kosmos_agent.benchmarking.transformers_side import PlainUse, TransformersSide
from kosmos_agent.model.folder import locate


def load(choice: LoneChoice) -> PlainUse:
    torch.set_num_threads(choice.threads)
    side = TransformersSide.load(locate(choice.model), getattr(torch, choice.dtype), choice.device)
    return PlainUse(side, choice.program)


if __name__ == "__main__":
    run_child(load)
