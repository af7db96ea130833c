"""The path-traced look: Mitsuba 3 on the exported triangles, with soft shadows and light that bounces."""

from __future__ import annotations

import os
from typing import Any

import mitsuba as mi
import numpy as np
from numpy.typing import NDArray

from kosmos_sim.looks.developing import Radiance, denoise, develop
from kosmos_sim.looks.export import ExportedScene
from kosmos_sim.looks.finishes import Finish
from kosmos_sim.looks.lighting import Lamp, Lighting, draw_lighting
from kosmos_sim.looks.mitsuba_meshes import MeshData, sorted_meshes

_LLVM_PATH = "DRJIT_LIBLLVM_PATH"
_SCALAR, _VECTORISED = "scalar_rgb", "llvm_ad_rgb"
_MAX_DEPTH = 4
_LAYERS = {"type": "aov", "aovs": "albedo:albedo,normal:sh_normal,depth:depth"}
_LAYER_SAMPLES = 16
_BRIGHTNESS = (0.72, 0.98)
_NEAR_M, _FAR_M = 1e-4, 20.0
"""Mitsuba counts depth from the near plane, and cuts away what is nearer."""
_ROUGHNESS = {Finish.SATIN.value: 0.25, Finish.GLAZED.value: 0.08, Finish.PAINTED.value: 0.15, "surroundings1": 0.3}

# The renderer's classes exist once a variant is chosen. The vectorised one is several times faster and needs LLVM 16
# or later, which must be named: the one it would find by itself may be too old, and then it ends the process.
mi.set_variant(_VECTORISED if os.environ.get(_LLVM_PATH) else _SCALAR)


class MitsubaRenderer:
    """samples: light paths per pixel."""

    def __init__(self, samples: int = 16) -> None:
        self.samples = samples

    @property
    def description(self) -> str:
        return f"mitsuba {mi.__version__}, {self.samples} paths per pixel, denoised"

    def picture(self, scene: ExportedScene, rng: np.random.Generator) -> NDArray[np.uint8]:
        """(H, W, 3) RGB; finishes, light and exposure are drawn from `rng`."""
        built = _built(scene, rng)
        path = mi.load_dict({"type": "path", "max_depth": _MAX_DEPTH})
        radiance = _rendered(built, path, self.samples, rng)
        layers = _rendered(built, mi.load_dict(_LAYERS), _LAYER_SAMPLES, rng)
        image = Radiance(radiance[..., :3], layers[..., :3], layers[..., 3:6], layers[..., 6])
        return develop(denoise(image), image.albedo, float(rng.uniform(*_BRIGHTNESS)))

    def depth_m(self, scene: ExportedScene) -> NDArray[np.float64]:
        """(H, W) along the optical axis, averaged over each pixel: what the labels must agree with.

        The same points of a pixel are looked at in every scene.
        """
        built = _built(scene, np.random.default_rng(0))
        distance_m = _rendered(built, mi.load_dict(_LAYERS), _LAYER_SAMPLES, np.random.default_rng(0))[..., 6]
        steps = ((np.arange(scene.size_px) + 0.5) / scene.size_px * 2 - 1) * np.tan(np.deg2rad(scene.fovy_deg) / 2)
        along_axis: NDArray[np.float64] = distance_m / np.sqrt(1 + steps**2 + steps[:, None] ** 2)
        return along_axis


def _built(scene: ExportedScene, rng: np.random.Generator) -> Any:
    meshes = {name: _mesh(name, mesh) for name, mesh in sorted_meshes(scene, rng).items()}
    return mi.load_dict({"type": "scene", "sensor": _sensor(scene), **meshes, **_lights(draw_lighting(rng, scene))})


def _rendered(scene: Any, integrator: Any, samples: int, rng: np.random.Generator) -> NDArray[np.float64]:
    pixels = mi.render(scene, integrator=integrator, spp=samples, seed=int(rng.integers(2**31)))
    # A path that grazes an edge may give no number.
    return np.nan_to_num(np.array(pixels, dtype=np.float64), posinf=0.0)


def _sensor(scene: ExportedScene) -> dict[str, Any]:
    rotation, eye = scene.T_table_camera[:3, :3], scene.T_table_camera[:3, 3]
    film = {"type": "hdrfilm", "width": scene.size_px, "height": scene.size_px, "rfilter": {"type": "box"}}
    return {
        "type": "perspective",
        "fov": scene.fovy_deg,
        "fov_axis": "y",
        "near_clip": _NEAR_M,
        "far_clip": _FAR_M,
        "to_world": mi.ScalarTransform4f().look_at(
            origin=eye.tolist(), target=(eye + rotation[:, 2]).tolist(), up=(-rotation[:, 1]).tolist()
        ),
        "film": film,
    }


def _mesh(name: str, data: MeshData) -> Any:
    corners = 3 * len(data.corners_m)
    properties = mi.Properties()
    properties["mesh_bsdf"] = mi.load_dict(_material(name, data))
    mesh = mi.Mesh(name, corners, corners // 3, has_vertex_normals=True, has_vertex_texcoords=True, props=properties)
    arrays = mi.traverse(mesh)
    for key, values in (("positions", data.corners_m), ("normals", data.normals), ("texcoords", data.uv)):
        arrays[f"vertex_{key}"] = values.astype(np.float32).ravel()
    arrays["faces"] = np.arange(corners, dtype=np.uint32)
    arrays.update()
    return mesh


def _material(name: str, data: MeshData) -> dict[str, Any]:
    if name == Finish.METAL.value:
        return {"type": "roughconductor", "material": "Al", "alpha": 0.22}
    colour = _bitmap(data)
    if name in _ROUGHNESS:
        return {"type": "roughplastic", "diffuse_reflectance": colour, "alpha": _ROUGHNESS[name]}
    return {"type": "diffuse", "reflectance": colour}


def _bitmap(data: MeshData) -> dict[str, Any]:
    pixels = mi.Bitmap(data.bitmap.astype(np.float32))
    blending = "nearest" if data.palette else "bilinear"
    return {"type": "bitmap", "bitmap": pixels, "raw": True, "filter_type": blending}


def _lights(lighting: Lighting) -> dict[str, Any]:
    sky = {
        "type": "envmap",
        "bitmap": mi.Bitmap(lighting.sky.astype(np.float32)),
        "to_world": mi.ScalarTransform4f().rotate([1, 0, 0], 90),  # its own up is y
    }
    return {"sky": sky} | {f"lamp{index}": _lamp(lamp) for index, lamp in enumerate(lighting.lamps)}


def _lamp(lamp: Lamp) -> dict[str, Any]:
    look = mi.ScalarTransform4f().look_at(origin=lamp.position_m.tolist(), target=[0, 0, 0], up=[0.1, 1, 0])
    return {
        "type": "rectangle",
        "to_world": look.scale([lamp.half_side_m] * 3),
        "emitter": {"type": "area", "radiance": {"type": "rgb", "value": lamp.radiance.tolist()}},
    }
