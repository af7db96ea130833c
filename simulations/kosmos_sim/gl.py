"""Opens an off-screen OpenGL context, or says which packages are missing."""

from __future__ import annotations

import os

import mujoco

from kosmos_agent.errors import MissingDependencyError
from kosmos_sim.gl_backend import APT_LINE


def open_context(width: int, height: int) -> mujoco.GLContext:
    """A current context of at least width x height pixels; MissingDependencyError where none can be had."""
    backend = os.environ.get("MUJOCO_GL", "")
    maker = getattr(mujoco, "GLContext", None)
    if maker is None:
        raise MissingDependencyError(f"no OpenGL for pictures (MUJOCO_GL={backend!r}); try: {APT_LINE}")
    if "glfw" in maker.__module__ and not {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys():
        # GLFW only warns, and the first drawing call then ends the process.
        raise MissingDependencyError(
            "mujoco was imported without an off-screen backend: import kosmos_sim before mujoco, or set MUJOCO_GL=egl"
        )
    try:
        context = maker(width, height)
        context.make_current()
    except (ImportError, AttributeError, RuntimeError, OSError, mujoco.FatalError) as error:
        raise MissingDependencyError(
            f"OpenGL could not start (MUJOCO_GL={backend!r}: {error}); try: {APT_LINE}"
        ) from error
    return context
