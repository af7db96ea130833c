"""What scenes are made of: how the shapes of things and the surfaces around them are drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kosmos_sim.held_out_textures import held_out_texture
from kosmos_sim.objects.proportions import DrawProportions, beyond_trained, trained
from kosmos_sim.textures import texture


@dataclass(frozen=True)
class Variety:
    """proportions: drawn anew for each object. surface: (N, N, 3) uint8 RGB for a table, a floor or a wall."""

    proportions: DrawProportions
    surface: Callable[[np.random.Generator, int], NDArray[np.uint8]]


TRAINED = Variety(trained, texture)
HELD_OUT = Variety(beyond_trained, held_out_texture)
"""For testing only: no shape and no surface that training shows."""
