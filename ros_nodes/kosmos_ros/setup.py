"""How colcon installs this package; without colcon, the project's own pyproject.toml does."""

from pathlib import Path
from xml.etree import ElementTree

from setuptools import find_packages, setup

NAME = "kosmos_ros"
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
    ],
    install_requires=["setuptools"],
    entry_points={"console_scripts": ["sim_camera_node = kosmos_ros.sim_camera_node:main"]},
    zip_safe=False,
    entry_points={"console_scripts": ["grounding_node = kosmos_ros.grounding_node:main"]},
)
