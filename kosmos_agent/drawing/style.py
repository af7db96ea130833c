"""Colours, type and sizes. Everything scales with `unit`, a hundredth of the picture's longer side."""

from __future__ import annotations

from functools import cache

from PIL import Image, ImageFont

from kosmos_agent.results import Status

Colour = tuple[int, int, int]
Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

INK: Colour = (17, 19, 26)
PANEL: Colour = (24, 27, 36)
PAPER: Colour = (244, 245, 248)
MUTED: Colour = (150, 156, 171)

# In this order, neighbours differ in hue and in lightness, for eyes that do not tell red from green.
PALETTE: tuple[Colour, ...] = (
    (61, 220, 151),
    (255, 159, 28),
    (86, 180, 255),
    (255, 92, 138),
    (255, 221, 74),
    (178, 132, 255),
    (120, 236, 236),
    (255, 122, 89),
)

STATUS_COLOURS: dict[Status, Colour] = {
    "found": PALETTE[0],
    "ambiguous": PALETTE[1],
    "not_found": (255, 107, 107),
    "cannot_tell": PALETTE[5],
}

MIN_SIDE_PX, MAX_SIDE_PX = 768, 1600
SUPERSAMPLE = 2  # Pillow's shapes have hard edges: draw at twice the size, then shrink


def colour_of(index: int) -> Colour:
    return PALETTE[index % len(PALETTE)]


@cache
def font(size_px: int) -> Font:
    return ImageFont.load_default(size=max(size_px, 8))


def unit_of(canvas: Image.Image) -> float:
    """A hundredth of the longer side, in pixels."""
    return max(canvas.size) / 100


def canvas_from(image: Image.Image) -> Image.Image:
    """The picture at a size at which tags can be read, times `SUPERSAMPLE`."""
    longer = max(image.size)
    factor = SUPERSAMPLE * min(max(longer, MIN_SIDE_PX), MAX_SIDE_PX) / longer
    size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
    return image.convert("RGB").resize(size, Image.Resampling.BICUBIC)


def finished(canvas: Image.Image) -> Image.Image:
    """`canvas` at its final size, edges smoothed."""
    return canvas.reduce(SUPERSAMPLE)


def text_width(text: str, face: Font) -> float:
    return face.getlength(text)


def shortened(text: str, face: Font, width_px: float) -> str:
    """`text`, cut with an ellipsis where it would be wider than `width_px`."""
    if text_width(text, face) <= width_px:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if text_width(text[:middle].rstrip() + "...", face) <= width_px:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + "..."
