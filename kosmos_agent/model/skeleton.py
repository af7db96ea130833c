"""A model without weights, to be filled from a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.overrides import TorchFunctionMode

from kosmos_agent.model.config import Kosmos2Config
from kosmos_agent.model.kosmos2 import Kosmos2


class _Hollow(TorchFunctionMode):
    """Parameters take no memory and are not initialised; computed tables (positions) are computed as ever.

    Building everything on the meta device would do as well, but computing a table there first imports several seconds
    of symbolic shape machinery.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: Iterable[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        options = dict(kwargs or {})
        if getattr(func, "__module__", None) == "torch.nn.init":
            return options.get("tensor", args[0] if args else None)
        if func is torch.empty:
            options["device"] = "meta"
        return func(*args, **options)


@contextmanager
def hollow() -> Iterator[None]:
    """Modules made inside have parameters on the meta device; tables that they compute are real."""
    with _Hollow():
        yield


def skeleton(config: Kosmos2Config) -> Kosmos2:
    """Every parameter that a layer would allocate is on the meta device; the position table is real."""
    with hollow():
        return Kosmos2(config)
