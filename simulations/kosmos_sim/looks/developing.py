"""From linear radiance to a picture: denoising, exposure, white balance, a soft shoulder, sRGB."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.float64]
_KERNEL = np.array([1, 4, 6, 4, 1]) / 16
_MIN_ALBEDO = 0.04
_TOLERANCES = (3.0, 0.5, 0.25, 0.15)
_SHOULDER = 0.7


@dataclass(frozen=True)
class Radiance:
    """rgb, albedo, normal: (H, W, 3) linear. depth_m: (H, W), 0 where nothing was hit."""

    rgb: Plane
    albedo: Plane
    normal: Plane
    depth_m: Plane


def denoise(image: Radiance) -> Plane:
    """(H, W, 3) radiance with its noise smoothed over each surface.

    The light alone is filtered, edges and textures stay: the a-trous wavelet of Dammertz et al. (2010), which weighs
    neighbours by normal, depth, reflectance and brightness. Brightness counts from the second pass on, when single
    paths no longer stand out.
    """
    albedo = np.maximum(image.albedo, _MIN_ALBEDO)
    light = image.rgb / albedo
    middle = cv2.medianBlur(light.astype(np.float32), 3)
    light = np.minimum(light, 2.5 * middle + 0.05 * float(np.median(light)))
    for level, tolerance in enumerate(_TOLERANCES):
        light = _filtered(light, image, 2**level, tolerance)
    smooth: Plane = light * albedo
    return smooth


def _filtered(light: Plane, image: Radiance, step: int, tolerance: float) -> Plane:
    """tolerance: relative difference of brightness between neighbours that still are alike."""
    padding = 2 * step
    edge = ((padding, padding), (padding, padding))
    guides = np.dstack([light, np.log(light.mean(axis=2) + 0.02), np.log(image.albedo.mean(axis=2) + 0.1)])
    guides = np.dstack([guides, image.normal, image.depth_m]).astype(np.float32)
    padded = np.pad(guides, (*edge, (0, 0)), mode="edge")
    height, width = light.shape[:2]
    total, weights = np.zeros(light.shape, np.float32), np.zeros((height, width), np.float32)
    depth_m = np.maximum(guides[..., 8], 0.1) * 0.006 * step
    for row in range(5):
        for column in range(5):
            other = padded[row * step : row * step + height, column * step : column * step + width]
            alike = np.maximum((other[..., 5:8] * guides[..., 5:8]).sum(axis=2), 0) ** 48
            apart = np.abs(other[..., 8] - guides[..., 8]) / depth_m + 2 * np.abs(other[..., 4] - guides[..., 4])
            contrast = (other[..., 3] - guides[..., 3]) / tolerance
            weight = _KERNEL[row] * _KERNEL[column] * alike * np.exp(-apart - contrast**2) + 1e-9
            total += weight[..., None] * other[..., :3]
            weights += weight
    result: Plane = (total / weights[..., None]).astype(np.float64)
    return result


def develop(radiance: Plane, albedo: Plane, brightness: float, neutrality: float = 0.8) -> NDArray[np.uint8]:
    """(H, W, 3) sRGB, metered as with a light meter: by the light that falls on things, not by what they reflect.

    So a white cup comes out white and a black one black. brightness: linear level of a white surface in the middling
    light of the scene. neutrality: share of the light's tint that white balance removes.
    """
    surface = albedo.max(axis=2) > _MIN_ALBEDO
    light = np.median(radiance[surface] / np.maximum(albedo[surface], _MIN_ALBEDO), axis=0)
    mean = float(light.mean())
    exposed = radiance * brightness / mean * (mean / light) ** neutrality
    peak = np.maximum(exposed.max(axis=2), 1e-6)
    over = np.maximum(peak - _SHOULDER, 0) / (1 - _SHOULDER)
    shown = np.where(peak > _SHOULDER, _SHOULDER + (1 - _SHOULDER) * (1 - np.exp(-over)), peak)
    linear = np.clip(exposed * (shown / peak)[..., None], 0, 1)
    encoded = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    picture: NDArray[np.uint8] = np.round(encoded * 255).astype(np.uint8)
    return picture
