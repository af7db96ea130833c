"""What is installed, pinned and shipped."""

import os
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from kosmos_agent.version import __version__

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def pins():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    requirements = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {canonicalize_name(item.name): next(iter(item.specifier)).version for item in requirements}


def requirements():
    extras = PROJECT["optional-dependencies"].values()
    listed = [Requirement(text) for group in (PROJECT["dependencies"], *extras) for text in group]
    return [item for item in listed if canonicalize_name(item.name) != "kosmos-agent"]


@pytest.fixture(scope="module")
def wheel_names(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return zipfile.ZipFile(next(folder.glob("*.whl"))).namelist()


def test_every_requirement_is_pinned_within_its_range():
    pinned = pins()
    wrong = [
        str(item)
        for item in requirements()
        if not item.specifier.contains(pinned.get(canonicalize_name(item.name), "0"), prereleases=True)
    ]
    assert not wrong
    assert pinned["torch"] == "2.13.0"


def test_pins_hold_for_every_build_of_a_package():
    assert not [name for name, version in pins().items() if "+" in version]


def test_the_version_is_stated_once():
    stated = re.compile(re.escape(__version__))
    files = [ROOT / "pyproject.toml", *(ROOT / "kosmos_agent").rglob("*.py")]
    assert [path.name for path in files if stated.search(path.read_text(encoding="utf-8"))] == ["version.py"]


def test_the_wheel_holds_the_packages_and_the_licence_and_no_wing_names(wheel_names):
    tops = {name.split("/")[0] for name in wheel_names}
    assert tops == {
        "kosmos_agent",
        "kosmos_mcp",
        "kosmos_ros",
        "kosmos_sim",
        "langchain_kosmos",
        f"kosmos_agent-{__version__}.dist-info",
    }
    assert "kosmos_agent/py.typed" in wheel_names
    assert any(name.endswith("licenses/LICENSE") for name in wheel_names)
    assert "kosmos_ros/fastdds/large_images.xml" in wheel_names


def test_continuous_integration_does_what_a_user_does():
    lines = (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
    assert lines[-1] == "make test"
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o111


@pytest.mark.parametrize("target", ["demo", "test", "test-slow", "test-oracle", "lint", "bench", "eval", "train"])
def test_every_target_sets_itself_up_first(target):
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(["make", "-n", target], cwd=ROOT, env=alone, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[0] == "scripts/setup.sh"


def test_the_ros_package_installs_what_the_project_installs(tmp_path):
    """setup.py is how colcon installs it; both ways must bring the same files."""
    top = ROOT / "ros_nodes" / "kosmos_ros"
    command = [
        sys.executable,
        "setup.py",
        "-q",
        "build",
        "--build-base",
        str(tmp_path),
        "egg_info",
        "-e",
        str(tmp_path),
    ]
    subprocess.run(command, cwd=top, check=True, capture_output=True)
    built = {path.relative_to(tmp_path / "lib") for path in (tmp_path / "lib").rglob("*") if path.is_file()}
    kept = {path.relative_to(top) for path in (top / "kosmos_ros").rglob("*") if "__pycache__" not in path.parts}
    assert built == {path for path in kept if (top / path).is_file()}


def test_ros_wheels_are_asked_for_only_where_they_exist():
    wheels = [Requirement(text) for text in PROJECT["optional-dependencies"]["ros"] if text.startswith("ros-")]
    assert wheels
    elsewhere = {"sys_platform": "linux", "platform_machine": "aarch64", "python_version": "3.12"}
    here = {**elsewhere, "platform_machine": "x86_64"}
    assert not any(item.marker.evaluate(elsewhere) for item in wheels)
    assert all(item.marker.evaluate(here) for item in wheels)


@pytest.mark.parametrize("variable", ["ROS_DISTRO", "AMENT_PREFIX_PATH"])
def test_setup_leaves_a_sourced_ros_alone(variable):
    """The function that decides, taken out of the script and asked."""
    text = (ROOT / "scripts" / "setup.sh").read_text(encoding="utf-8")
    functions = re.findall(r"^(?:is_ros_sourced|why_no_ros_wheels)\(\) \{.*?\}$", text, re.M | re.S)
    script = "\n".join([f"VENV={sys.prefix}", *functions, "why_no_ros_wheels"])
    alone = {name: value for name, value in os.environ.items() if name not in ("ROS_DISTRO", "AMENT_PREFIX_PATH")}
    said = subprocess.run(
        ["bash", "-c", script], env={**alone, variable: "kilted"}, capture_output=True, text=True, check=True
    ).stdout
    assert "is sourced" in said
