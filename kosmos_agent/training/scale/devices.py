"""The processes of a run: one on a CPU or a GPU, or as many as torchrun, accelerate or Ray started."""

from __future__ import annotations

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import FullyShardedDataParallelPlugin
from torch import Tensor

from kosmos_agent.training.recipe.models import ComputeSection

SHARDED_LAYERS = ["DecoderLayer", "VisionLayer", "CellLayer"]


def new_accelerator(compute: ComputeSection) -> Accelerator:
    """A process may train by one recipe after another: accelerate would hold on to the precision of the first."""
    AcceleratorState._reset_state()
    plugin = None
    if compute.sharding == "full":
        plugin = FullyShardedDataParallelPlugin(
            fsdp_version=2,
            auto_wrap_policy="transformer_based_wrap",
            transformer_cls_names_to_wrap=SHARDED_LAYERS,
            reshard_after_forward=True,
            cpu_ram_efficient_loading=False,
        )
    return Accelerator(
        mixed_precision="bf16" if compute.precision == "bfloat16" else "no",
        cpu=not torch.cuda.is_available(),
        fsdp_plugin=plugin,
    )


def over_all(accelerator: Accelerator, values: Tensor, how: str = "sum") -> Tensor:
    """Sum or maximum of each value over the processes."""
    if accelerator.num_processes == 1:
        return values
    operation = torch.distributed.ReduceOp.SUM if how == "sum" else torch.distributed.ReduceOp.MAX
    moved = values.to(accelerator.device)
    torch.distributed.all_reduce(moved, operation)
    return moved.to(values.device)
