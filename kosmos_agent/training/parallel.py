"""Several processes training one model: `torchrun --nproc-per-node N -m kosmos_agent train tabletop ...`.

On CPU cores, one process of one thread for each core spares the threads of one process their waiting for each other.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import nn

_PATIENCE = timedelta(hours=12)
"""The others wait while one renders or scores."""


class Workers:
    """The group that this process belongs to; a group of one where torchrun did not start it."""

    def __init__(self, device: torch.device) -> None:
        self.size = int(os.environ.get("WORLD_SIZE", "1"))
        self.rank = int(os.environ.get("RANK", "0"))
        if self.size > 1 and not dist.is_initialized():
            dist.init_process_group("nccl" if device.type == "cuda" else "gloo", timeout=_PATIENCE)

    @property
    def leads(self) -> bool:
        """Whether this process logs, scores and saves."""
        return self.rank == 0

    def average_gradients(self, parameters: Iterable[nn.Parameter], *, stop: bool) -> bool:
        """Average the gradients over the group, in place. Returns whether any process wants to stop.

        Parameters without a gradient must be the same ones in every process.
        """
        if self.size == 1:
            return stop
        grads = [parameter.grad for parameter in parameters if parameter.grad is not None]
        wish = grads[0].new_full((1,), float(stop))
        flat = torch.cat([*(grad.reshape(-1) for grad in grads), wish])
        dist.all_reduce(flat)
        offset = 0
        for grad in grads:
            grad.copy_(flat[offset : offset + grad.numel()].view_as(grad)).div_(self.size)
            offset += grad.numel()
        return bool(flat[-1] > 0)

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            dist.barrier()
