"""Weights are packed for the fastest kernel behind the first answer.

Packing the published model takes seconds, mapping it takes none. Until a layer is packed its products come from the
plain kernel: slower for a few rows, the same to the last bit.
"""

from __future__ import annotations

import atexit
import os
import sys
import threading
import weakref
from contextlib import suppress
from itertools import count

import torch

from kosmos_agent.model.int8_kernels import Kernel
from kosmos_agent.model.int8_linear import Int8Linear
from kosmos_agent.model.kosmos2 import Kosmos2

AT_ONCE = 1 << 25
"""Weights, all together, that are packed in less time than a thread is worth."""
_NICER_BY, _NICEST = 10, 19
_PASSES, _PATIENCE_S = 2, 15.0
"""Packing begins when the decoder was passed so often (picture and phrase, second corners), or after so long."""


def int8_layers(model: Kosmos2) -> list[Int8Linear]:
    """The decoder's first: it is read for every token, and often for a few rows."""
    layers = [module for module in model.modules() if isinstance(module, Int8Linear)]
    decoder = {id(module) for module in model.text_model.modules()}
    return sorted(layers, key=lambda layer: id(layer) not in decoder)


def pack(model: Kosmos2, kernel: Kernel) -> None:
    """Returns when every layer is packed, whoever packed it."""
    for layer in int8_layers(model):
        layer.use(kernel)


def pack_in_background(model: Kosmos2, kernel: Kernel) -> threading.Thread | None:
    """Returns at once, with the thread that packs; None where the model is so small that it is packed already.

    The thread lets the first answer pass, from which it would take a processor, and ends early when the model is no
    longer used or the program ends.
    """
    layers = int8_layers(model)
    if sum(layer.in_features * layer.out_features for layer in layers) <= AT_ONCE:
        pack(model, kernel)
        return None
    ending, answered = threading.Event(), _after_passes(model, _PASSES)
    waiting = [weakref.ref(layer) for layer in layers]
    thread = threading.Thread(target=_run, args=(waiting, kernel, answered, ending), name="packing", daemon=True)
    thread.start()
    atexit.register(_end, thread, answered, ending)
    return thread


def _after_passes(model: Kosmos2, wanted: int) -> threading.Event:
    """Set once the decoder has been through so many, by whichever threads."""
    done, numbers = threading.Event(), count(1)

    def passed(*_: object) -> None:
        if next(numbers) == wanted:  # one step, so that no two threads have the same number
            done.set()
            handle.remove()

    handle = model.text_model.model.register_forward_hook(passed)
    return done


def _run(
    waiting: list[weakref.ref[Int8Linear]], kernel: Kernel, answered: threading.Event, ending: threading.Event
) -> None:
    answered.wait(_PATIENCE_S)
    _stand_back()
    for reference in waiting:
        layer = reference()
        if layer is None or ending.is_set():
            return
        layer.use(kernel)


def _stand_back() -> None:
    """This thread yields to others, and takes no more processors than the program lets torch have."""
    torch.set_num_threads(torch.get_num_threads())  # OpenMP's own default holds for a new thread until torch is asked
    if sys.platform == "linux":
        own = threading.get_native_id()
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, own, min(_NICEST, os.getpriority(os.PRIO_PROCESS, own) + _NICER_BY))


def _end(thread: threading.Thread, answered: threading.Event, ending: threading.Event) -> None:
    """A thread must not be inside a product when the interpreter goes."""
    ending.set()
    answered.set()
    thread.join()
