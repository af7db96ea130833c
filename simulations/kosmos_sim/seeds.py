"""Random numbers by purpose: two purposes never share a stream, whatever their numbers are.

`SeedSequence([a, b])` equals `SeedSequence([a, b, 0])`, so plain lists of different lengths collide.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np


class Purpose(IntEnum):
    """First word of the seed; never 0, which numpy would take for padding."""

    MODEL = 1
    PICTURE = 2
    ORDER = 3
    EXAMPLE = 4
    LABEL = 5
    LOOK = 6
    TASK = 7


def generator(purpose: Purpose, *numbers: int) -> np.random.Generator:
    """numbers: 0 or more each and below 2**32, always equally many for one purpose."""
    return np.random.default_rng([int(purpose), *numbers])
