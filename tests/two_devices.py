"""A second device that needs no hardware: tensors are told apart by who made them, and may not meet.

Parameters, what names a device when it is made, and what comes of these count as the model's; what is made without a
device as the host's. On a GPU an operation that is given both raises; here it is written down.
"""

import sys

import torch
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_leaves

MODEL, HOST = "model", "host"
FACTORIES = {
    torch.arange, torch.as_tensor, torch.empty, torch.eye, torch.from_numpy, torch.full, torch.linspace, torch.ones,
    torch.rand, torch.randint, torch.randn, torch.scalar_tensor, torch.tensor, torch.zeros,
}  # fmt: skip
# The only ones that a GPU lets take both: a copy across, and indices from the host.
ACROSS = {torch.Tensor.copy_, torch.Tensor.__getitem__, torch.Tensor.__setitem__}
MOVES = {torch.Tensor.to: MODEL, torch.Tensor.cpu: HOST}


class TwoDevices(TorchFunctionMode):
    """While it is entered, `met` fills with the operations, and where they stand, that were given tensors of both."""

    def __init__(self, module):
        super().__init__()
        self.met = []
        for tensor in (*module.parameters(), *module.buffers()):
            tensor.side = MODEL

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        given = [item for item in tree_leaves((args, kwargs)) if isinstance(item, torch.Tensor)]
        sides = {getattr(item, "side", None) for item in given if item.ndim} - {None}
        found = func(*args, **kwargs)
        if len(sides) == 2 and func not in ACROSS and func not in MOVES:
            self.met.append(f"{getattr(func, '__name__', func)} at {_caller()}")
        side = self._side(func, args, kwargs, sides)
        if func in MOVES and side is not None and any(found is item for item in given):
            found = found.clone()
        if side is not None:
            for item in tree_leaves(found):
                if isinstance(item, torch.Tensor):
                    item.side = side
        return found

    def _side(self, func, args, kwargs, sides):
        if func is torch.Tensor.cpu:
            return HOST
        if func is torch.Tensor.to and _names_a_device(args[1:], kwargs):
            return MODEL
        if func in FACTORIES and not sides:
            return MODEL if kwargs.get("device") is not None else HOST
        return MODEL if MODEL in sides else HOST if HOST in sides else None


def _names_a_device(args, kwargs):
    return kwargs.get("device") is not None or any(isinstance(item, (torch.device, str)) for item in args)


def _caller():
    """The nearest line of this project."""
    frame = sys._getframe(1)
    while frame is not None and not ("kosmos_agent" in frame.f_code.co_filename or "test_" in frame.f_code.co_filename):
        frame = frame.f_back
    return "?" if frame is None else f"{frame.f_code.co_filename}:{frame.f_lineno}"
