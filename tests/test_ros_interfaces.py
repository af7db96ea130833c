"""The definitions of the ROS wing: type hashes as published, no drift between text and build, versions stated once."""

import json
import re
import sys
import tomllib
from pathlib import Path
from xml.etree import ElementTree

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from rosbags.typesys import Stores, get_types_from_msg, get_typestore

from kosmos_agent.version import __version__

ROOT = Path(__file__).parents[1]
WING = ROOT / "ros_nodes"
INTERFACES = {
    "kosmos_interfaces": WING / "kosmos_interfaces",
    "vision_msgs": WING / "compat" / "vision_msgs",
    "tf2_msgs": WING / "compat" / "tf2_msgs",
}
INSTALLED = Path(sys.prefix) / "share"

# From `ros2 topic info -v` and bag metadata of ROS installations of others, as found in public repositories.
PUBLISHED = {
    "tf2_msgs/msg/TFMessage": "e369d0f05a23ae52508854b66f6aa0437f3449d652e8cbf22d5abe85d020f087",
    "tf2_msgs/msg/TF2Error": "db2485e7d6a0ec75bf087e058ee45df682acc3a621ca7780503d10aac141809a",
    "vision_msgs/msg/Detection2DArray": "214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968",
    "vision_msgs/msg/Detection3DArray": "793f5eab9595ac1c0da07873cc859db42eae51f0ee76056db8562515d830e018",
    "vision_msgs/msg/VisionInfo": "95d3116a17484ad91c9a2686e1d54890bbfc3ff6c6a2de137738c4950d45d284",
    "vision_msgs/msg/LabelInfo": "3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783",
    "vision_msgs/msg/VisionClass": "1e4a11f0fed50b5623cb8ff26ca0e37952a48a9c074d16f804b44e9164c2037a",
}


def definitions(package):
    return sorted(INTERFACES[package].glob("*/*.msg"))


MESSAGES = [f"{package}/msg/{path.stem}" for package in INTERFACES for path in definitions(package)]


@pytest.fixture(scope="module")
def store():
    """Hashes by rosbags' own code, from the definitions' text alone; ours stand in for those that it knows."""
    known = get_typestore(Stores.ROS2_KILTED)
    ours = {}
    for package in INTERFACES:
        for path in definitions(package):
            ours |= get_types_from_msg(path.read_text(encoding="utf-8"), f"{package}/msg/{path.stem}")
    for name in ours:
        known.types.pop(name, None)
        known.fielddefs.pop(name, None)
    known.register(ours)
    return known


@pytest.mark.parametrize("name", PUBLISHED)
def test_type_hashes_are_those_that_others_publish(store, name):
    assert store.hash_rihs01(name) == f"RIHS01_{PUBLISHED[name]}"


@pytest.mark.parametrize("name", ["tf2_msgs/msg/TFMessage", "tf2_msgs/msg/TF2Error"])
def test_type_hashes_are_those_of_the_definitions_in_rosbags(store, name):
    assert store.hash_rihs01(name) == get_typestore(Stores.ROS2_KILTED).hash_rihs01(name)


@pytest.mark.parametrize("name", MESSAGES)
def test_what_is_installed_was_built_from_these_definitions(store, name):
    package, _, stem = name.split("/")
    described = INSTALLED / package / "msg" / f"{stem}.json"
    if not described.is_file():
        pytest.skip(f"{package} is not installed from our wheels here")
    stated = {item["type_name"]: item["hash_string"] for item in json.loads(described.read_text())["type_hashes"]}
    assert stated[name] == store.hash_rihs01(name)


PARTS = {"action": ("Goal", "Result", "Feedback"), "srv": ("Request", "Response")}
SERVED = sorted(path for kind in PARTS for path in INTERFACES["kosmos_interfaces"].glob(f"{kind}/*"))


@pytest.mark.parametrize("path", SERVED, ids=lambda path: path.name)
def test_actions_and_services_are_installed_as_they_are_written(store, path):
    """The type hash covers fields alone, so the constants are compared by themselves."""
    module = pytest.importorskip(f"kosmos_interfaces.{path.parent.name}")
    parts = PARTS[path.parent.name]
    described = INSTALLED / "kosmos_interfaces" / path.parent.name / f"{path.stem}.json"
    if not described.is_file():
        pytest.skip("kosmos_interfaces is not installed from our wheels here")
    stated = {item["type_name"]: item["hash_string"] for item in json.loads(described.read_text())["type_hashes"]}
    for part, text in zip(parts, re.split(r"^---$", path.read_text(encoding="utf-8"), flags=re.M), strict=True):
        name = f"kosmos_interfaces/{path.parent.name}/{path.stem}_{part}"
        store.types.pop(name, None)
        store.fielddefs.pop(name, None)
        # Where a name has no package, the definition's own is meant; rosbags would look in its folder.
        whole = re.sub(r"^([A-Z]\w*)(?=[ \[])", r"kosmos_interfaces/\1", text, flags=re.M)
        (fields,) = get_types_from_msg(whole, name).values()
        store.register({name: fields})
        assert stated[name] == store.hash_rihs01(name)
        installed = getattr(getattr(module, path.stem), part)
        for constant, value in re.findall(r"^uint\d+ ([A-Z_]+)=(\d+)", text, re.M):
            assert getattr(installed, constant, None) == int(value), (part, constant)


@pytest.mark.parametrize("package", INTERFACES)
def test_every_definition_is_built(package):
    folder = INTERFACES[package]
    listed = set(re.findall(r"^\s+((?:msg|srv|action)/\w+\.\w+)$", (folder / "CMakeLists.txt").read_text(), re.M))
    there = {str(path.relative_to(folder)) for kind in ("msg", "srv", "action") for path in folder.glob(f"{kind}/*")}
    assert listed == there


@pytest.mark.parametrize("package", INTERFACES)
def test_manifest_and_build_file_name_the_same_needs(package):
    folder = INTERFACES[package]
    manifest = ElementTree.parse(folder / "package.xml")
    found = set(re.findall(r"find_package\((\w+) REQUIRED\)", (folder / "CMakeLists.txt").read_text()))
    stated = {item.text for kind in ("depend", "buildtool_depend") for item in manifest.iter(kind)}
    assert manifest.findtext("name") == package
    assert found == stated


@pytest.mark.parametrize("package", INTERFACES)
def test_pip_builds_with_pinned_tools_and_the_one_shared_file(package):
    folder = INTERFACES[package]
    build = tomllib.loads((folder / "pyproject.toml").read_text())
    pins = dict(
        line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if not line.startswith("#")
    )
    for text in [*build["build-system"]["requires"], *build["project"]["dependencies"]]:
        item = Requirement(text)
        pinned = pins.get(canonicalize_name(item.name)) or version_of(item.name)
        assert str(item.specifier) == f"=={pinned}", text
    shared = folder / build["tool"]["scikit-build"]["cmake"]["define"]["CMAKE_PROJECT_INCLUDE"]
    assert shared.resolve() == WING / "ros_wheels.cmake"


def version_of(distribution):
    """The version of one of our own interface packages, by the name of its wheel."""
    for folder in INTERFACES.values():
        if tomllib.loads((folder / "pyproject.toml").read_text())["project"]["name"] == distribution:
            return ElementTree.parse(folder / "package.xml").findtext("version")
    return None


@pytest.mark.parametrize("package", ["kosmos_interfaces", "kosmos_ros"])
def test_our_packages_carry_the_version_of_the_project(package):
    assert ElementTree.parse(WING / package / "package.xml").findtext("version") == __version__


def test_a_workspace_with_ros_leaves_our_copies_of_its_messages_alone():
    assert (WING / "compat" / "COLCON_IGNORE").is_file()


def test_numbers_of_a_definition_are_told_apart():
    for path in WING.rglob("*"):
        if path.suffix not in (".msg", ".srv", ".action") or "compat" in path.parts:
            continue
        assert all(len(line) <= 120 for line in path.read_text().splitlines()), path.name
        for section in path.read_text().split("---"):
            # Blank lines and comments part one list of numbers from the next.
            for group in re.split(r"\n\s*\n", section):
                numbers = re.findall(r"^uint\d+ [A-Z_]+=(\d+)", group, re.M)
                assert len(numbers) == len(set(numbers)), (path.name, group)
