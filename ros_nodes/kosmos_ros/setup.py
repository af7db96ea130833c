"""How colcon installs this package; without colcon, the project's own pyproject.toml does."""

from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages, setup

NAME = "kosmos_ros"
NODES = ("grounding_node", "pick_node", "sim_camera_node")
MANIFEST = ElementTree.parse(Path(__file__).with_name("package.xml"))  # noqa: S314  # our own file


def stated(tag: str) -> str:
    return MANIFEST.findtext(tag, default="").strip()


setup(
    name=NAME,
    version=stated("version"),
    description=stated("description"),
    license=stated("license"),
    packages=find_packages(),
    package_data={NAME: ["fastdds/*.xml", "py.typed"]},
    data_files=[
        ("share/ament_index/resource_index/packages", [f"resource/{NAME}"]),
        (f"share/{NAME}", ["package.xml"]),
        (f"share/{NAME}/launch", ["launch/bringup.launch.py", "launch/sim.launch.py"]),
        (f"share/{NAME}/config", ["config/bringup.yaml", "config/sim.yaml"]),
    ],
    install_requires=["setuptools"],
    entry_points={
        "console_scripts": [
            f"{node} = kosmos_ros.{node}:main" for node in ("grounding_node", "pick_node", "sim_camera_node")
        ]
    },
    zip_safe=False,
)
