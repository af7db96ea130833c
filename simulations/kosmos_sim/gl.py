"""Opens an off-screen OpenGL context, or says which packages are missing."""

from __future__ import annotations

import importlib
import os

import mujoco

from kosmos_agent.errors import MissingDependencyError
from kosmos_sim.gl_backend import APT_LINE, DISABLED, OFF_SCREEN


def open_context(width: int, height: int) -> mujoco.GLContext:
    """A current context of at least width x height pixels; MissingDependencyError where none can be had.

    `mujoco.GLContext` is for a window where mujoco was imported before `kosmos_sim` could set MUJOCO_GL. Its
    drawing calls then end the process, so the off-screen module is imported by name instead.
    """
    backend = os.environ.get("MUJOCO_GL", "").lower().strip()
    if backend == DISABLED:
        raise MissingDependencyError(f"no OpenGL for pictures (MUJOCO_GL={backend}); try: {APT_LINE}")
    try:
        maker = importlib.import_module(f"mujoco.{backend}").GLContext if backend in OFF_SCREEN else mujoco.GLContext
        context = maker(width, height)
        context.make_current()
    except (ImportError, AttributeError, RuntimeError, OSError, mujoco.FatalError) as error:
        raise MissingDependencyError(
            f"OpenGL could not start (MUJOCO_GL={backend!r}: {error}); try: {APT_LINE}"
        ) from error
    return context
