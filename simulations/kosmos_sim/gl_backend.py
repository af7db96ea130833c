"""Chooses MuJoCo's OpenGL backend before mujoco is first imported, which is the only moment it can be chosen."""

from __future__ import annotations

import ctypes.util
import os
import platform
from collections.abc import Callable, MutableMapping

from kosmos_agent.errors import MissingDependencyError

APT_LINE = "apt-get install -y libegl1 libegl-mesa0 libopengl0 libgl1-mesa-dri"
OFF_SCREEN = {"egl": ("EGL", "OpenGL"), "osmesa": ("OSMesa",)}
"""What PyOpenGL loads for each off-screen backend."""
DISABLED = "disabled"


def select_backend(
    environment: MutableMapping[str, str] | None = None,
    find_library: Callable[[str], str | None] = ctypes.util.find_library,
) -> str:
    """Sets MUJOCO_GL where it is unset: egl, else osmesa, else "disabled" (physics without pictures).

    Raises MissingDependencyError where the user asked for a backend whose library is absent; MuJoCo would say
    "'NoneType' object has no attribute 'glGetError'".
    """
    variables = os.environ if environment is None else environment
    wanted = variables.get("MUJOCO_GL", "").lower().strip()
    if platform.system() != "Linux":
        return wanted
    absent = {
        name: [library for library in libraries if find_library(library) is None]
        for name, libraries in OFF_SCREEN.items()
    }
    if absent.get(wanted):
        raise MissingDependencyError(
            f"MUJOCO_GL={wanted} but not installed: lib{', lib'.join(absent[wanted])}; try: {APT_LINE}"
        )
    if not wanted:
        usable = [name for name, missing in absent.items() if not missing]
        wanted = variables["MUJOCO_GL"] = usable[0] if usable else DISABLED
    return wanted
