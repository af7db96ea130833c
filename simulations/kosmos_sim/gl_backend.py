"""Chooses MuJoCo's OpenGL backend before mujoco is first imported, which is the only moment it can be chosen."""

from __future__ import annotations

import ctypes.util
import os
import platform
from collections.abc import Callable, MutableMapping

from kosmos_agent.errors import MissingDependencyError

APT_LINE = "apt-get install -y libegl1 libegl-mesa0 libopengl0 libgl1-mesa-dri"
_LIBRARIES = {"egl": "EGL", "osmesa": "OSMesa"}


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
    if wanted in _LIBRARIES and find_library(_LIBRARIES[wanted]) is None:
        raise MissingDependencyError(
            f"MUJOCO_GL={wanted} but the library {_LIBRARIES[wanted]} is not installed; try: {APT_LINE}"
        )
    if not wanted:
        present = [name for name, library in _LIBRARIES.items() if find_library(library) is not None]
        wanted = variables["MUJOCO_GL"] = present[0] if present else "disabled"
    return wanted
