"""Light, lens and sensor variation, kept weak enough that colour words stay true."""

from __future__ import annotations

from statistics import NormalDist

import cv2
import numpy as np
from numpy.typing import NDArray

GAIN = (0.82, 1.18)
CHANNEL_GAIN = (0.95, 1.05)
GAMMA = (0.82, 1.22)
OFFSET = (-10.0, 10.0)
NOISE_SIGMA = (1.0, 7.0)
JPEG_QUALITY = (40, 95)

_NORMAL = NormalDist()
_QUANTILES = np.array([_NORMAL.inv_cdf((step + 0.5) / 256) for step in range(256)])


def jitter(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """(H, W, 3) uint8 to the same: tone always; blur, noise and JPEG traces each in a part of the draws."""
    out = tone(rgb, rng)
    draw = rng.random(3)
    if draw[0] < 0.2:
        out = _bytes(cv2.GaussianBlur(out, (3, 3), float(rng.uniform(0.3, 1.0))))
    if draw[1] < 0.3:
        out = noise(out, float(rng.uniform(*NOISE_SIGMA)), rng)
    if draw[2] < 0.15:
        out = jpeg(out, int(rng.integers(*JPEG_QUALITY)))
    return out


def tone(rgb: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Exposure, gamma, offset and a slight cast, in one table per channel."""
    level = (np.arange(256) / 255.0) ** np.exp(rng.uniform(*np.log(GAMMA)))
    gain = rng.uniform(*GAIN) * rng.uniform(*CHANNEL_GAIN, 3)
    table = level[:, None] * 255.0 * gain + rng.uniform(*OFFSET)
    lut = np.clip(np.rint(table), 0, 255).astype(np.uint8)[None]
    return _bytes(cv2.LUT(np.ascontiguousarray(rgb), lut))


def noise(rgb: NDArray[np.uint8], sigma: float, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Gaussian in 256 steps: random bytes through a table of quantiles are ten times faster than normal draws."""
    table = np.rint(_QUANTILES * sigma).astype(np.int16)
    grain = table[np.frombuffer(rng.bytes(rgb.size), np.uint8)].reshape(rgb.shape)
    return np.clip(rgb + grain, 0, 255).astype(np.uint8)


def jpeg(rgb: NDArray[np.uint8], quality: int) -> NDArray[np.uint8]:
    """Written and read back; the order of the channels does not matter to the traces."""
    _, data = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, quality])
    decoded = cv2.imdecode(data, cv2.IMREAD_COLOR)
    return rgb if decoded is None else _bytes(decoded)


def _bytes(image: NDArray[np.generic]) -> NDArray[np.uint8]:
    return np.asarray(image, np.uint8)
