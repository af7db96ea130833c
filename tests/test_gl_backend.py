"""Which OpenGL backend is chosen, and what is said where there is none."""

import os
import platform
import subprocess
import sys

import pytest
from kosmos_sim.gl_backend import APT_LINE, select_backend

from kosmos_agent.errors import MissingDependencyError

pytestmark = pytest.mark.skipif(platform.system() != "Linux", reason="other systems have one backend")


def libraries(*present: str):
    return lambda name: f"lib{name}.so" if name in present else None


@pytest.mark.parametrize(
    ("present", "chosen"),
    [
        (("EGL", "OpenGL", "OSMesa"), "egl"),
        (("EGL", "OpenGL"), "egl"),
        (("EGL", "OSMesa"), "osmesa"),
        (("OSMesa",), "osmesa"),
        ((), "disabled"),
    ],
)
def test_unset_backend_is_chosen_from_what_is_installed(present, chosen):
    environment = {}
    assert select_backend(environment, libraries(*present)) == chosen
    assert environment == {"MUJOCO_GL": chosen}


def test_the_users_choice_stays():
    environment = {"MUJOCO_GL": "osmesa"}
    assert select_backend(environment, libraries("EGL", "OpenGL", "OSMesa")) == "osmesa"
    assert environment == {"MUJOCO_GL": "osmesa"}


def test_a_chosen_backend_without_its_library_is_named_with_the_line_to_type():
    with pytest.raises(MissingDependencyError, match=r"MUJOCO_GL=egl.*libOpenGL") as caught:
        select_backend({"MUJOCO_GL": "egl"}, libraries("EGL"))
    assert APT_LINE in str(caught.value)


def run(code, **variables):
    environment = {key: value for key, value in os.environ.items() if "DISPLAY" not in key and key != "MUJOCO_GL"}
    return subprocess.run(
        [sys.executable, "-c", code], env={**environment, **variables}, capture_output=True, text=True, check=False
    )


def test_drawing_without_a_backend_says_what_to_do():
    done = run("from kosmos_sim.gl import open_context\nopen_context(32, 32)", MUJOCO_GL="disabled")
    assert done.returncode == 1
    last_line = done.stderr.strip().splitlines()[-1]
    assert "MissingDependencyError" in last_line
    assert APT_LINE in last_line


def test_drawing_works_where_mujoco_was_imported_first():
    code = "import mujoco\nfrom kosmos_sim.stream import scene_record\nprint(scene_record(1, 0, size=32).rgb.shape)"
    done = run(code)
    assert done.stdout == "(32, 32, 3)\n", done.stderr
