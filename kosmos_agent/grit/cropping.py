"""The picture as the training loader sees it, and where a box of the whole picture lies in it (specification 5.2).

`crop`: the shorter side is scaled to `size_px`, then the middle is cut out. `stretch`: both sides are scaled, as at
run time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from kosmos_agent.errors import InvalidImageError
from kosmos_agent.location import Corners

Fit = Literal["crop", "stretch"]
MIN_KEPT = 0.2
"""A box that keeps less than this share of its area in the crop is dropped."""
MAX_ASPECT = 20
"""Of the sides. Scaled whole before it is cut, a picture of 64,000,000 x 1 pixels would not fit any memory."""


@dataclass(frozen=True)
class Fitting:
    """How a picture of width x height pixels becomes size x size: scaled to `scaled_px`, then cut at `offset_px`."""

    size_px: int
    scaled_px: tuple[int, int]
    offset_px: tuple[int, int]

    @classmethod
    def of(cls, width: int, height: int, size_px: int, fit: Fit) -> Fitting:
        """InvalidImageError for a picture that is too long for its width."""
        if max(width, height) > MAX_ASPECT * min(width, height):
            raise InvalidImageError(f"a picture of {width} x {height}; valid: sides of at most 1 to {MAX_ASPECT}")
        if fit == "stretch":
            return cls(size_px, (size_px, size_px), (0, 0))
        short = min(width, height)
        scaled = (width * size_px // short, height * size_px // short)
        return cls(size_px, scaled, (round((scaled[0] - size_px) / 2), round((scaled[1] - size_px) / 2)))

    def picture(self, image: Image.Image) -> NDArray[np.uint8]:
        """(size, size, 3) uint8."""
        left, top = self.offset_px
        scaled = image.resize(self.scaled_px, Image.Resampling.BICUBIC)
        return np.asarray(scaled.crop((left, top, left + self.size_px, top + self.size_px)), np.uint8)

    def box(self, corners: Corners) -> Corners | None:
        """Fractions of the whole picture to fractions of the crop; None where too little of the box is left."""
        x1, x2 = self._inside((corners[0], corners[2]), axis=0)
        y1, y2 = self._inside((corners[1], corners[3]), axis=1)
        whole = (corners[2] - corners[0]) * self.scaled_px[0] * (corners[3] - corners[1]) * self.scaled_px[1]
        fitted = (x1 / self.size_px, y1 / self.size_px, x2 / self.size_px, y2 / self.size_px)
        shows = fitted[0] < fitted[2] and fitted[1] < fitted[3]
        return fitted if shows and (x2 - x1) * (y2 - y1) >= MIN_KEPT * whole else None

    def whole(self, corners: Corners) -> Corners:
        """The inverse of `box` for a box that the crop does not cut."""
        (width, height), (left, top) = self.scaled_px, self.offset_px
        x1, y1, x2, y2 = (value * self.size_px for value in corners)
        return (x1 + left) / width, (y1 + top) / height, (x2 + left) / width, (y2 + top) / height

    def _inside(self, edges: tuple[float, float], axis: int) -> tuple[float, float]:
        first, last = (
            min(max(edge * self.scaled_px[axis] - self.offset_px[axis], 0.0), float(self.size_px)) for edge in edges
        )
        return first, last
