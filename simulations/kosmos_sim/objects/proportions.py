"""How the measures of one object are drawn: within the ranges that training knows, or beyond them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

BEYOND = (1.07, 1.12)
"""A measure that is shifted lies 7 to 12 % outside its range, so width to height lies 14 to 25 % outside."""
_FIXED_SHIFT = 1.095


@dataclass(frozen=True)
class Proportions:
    """The neutral one draws each measure from the range that its builder gives.

    width_side, height_side: 1 above that range, -1 below it, 0 inside. wall: factor on the thickness of walls and
    handles. profile: -1 to 1, how far the outline is bent away from the trained one (0), as each builder says.
    """

    width_side: int = 0
    height_side: int = 0
    wall: float = 1.0
    profile: float = 0.0

    def width(self, rng: np.random.Generator, low_m: float, high_m: float) -> float:
        return _measure(rng, low_m, high_m, self.width_side)

    def height(self, rng: np.random.Generator, low_m: float, high_m: float) -> float:
        return _measure(rng, low_m, high_m, self.height_side)

    @property
    def width_factor(self) -> float:
        """For a width that training never varies."""
        return _FIXED_SHIFT**self.width_side

    @property
    def height_factor(self) -> float:
        """For a height that training never varies."""
        return _FIXED_SHIFT**self.height_side

    @property
    def exponent(self) -> float:
        """Factor on the power that a wall's outline follows: above 1 it bends in, below 1 it bulges."""
        return float(2.0 ** (0.45 * self.profile))


TRAINED = Proportions()
DrawProportions = Callable[[np.random.Generator], Proportions]


def trained(_: np.random.Generator) -> Proportions:
    """Draws nothing, so that it leaves the stream of random numbers as it is."""
    return TRAINED


def beyond_trained(rng: np.random.Generator) -> Proportions:
    """Squat or slim, with thinner or thicker walls and another outline: never what training shows."""
    wide = int(rng.choice([-1, 1]))
    wall = float(rng.uniform(0.6, 0.75) if rng.random() < 0.5 else rng.uniform(1.35, 1.7))
    profile = float(rng.uniform(0.5, 1.0) * rng.choice([-1.0, 1.0]))
    return Proportions(wide, -wide, wall, profile)


def _measure(rng: np.random.Generator, low_m: float, high_m: float, side: int) -> float:
    if side == 0:
        return float(rng.uniform(low_m, high_m))
    factor = float(rng.uniform(*BEYOND))
    return high_m * factor if side > 0 else low_m / factor
