"""Mesh generators: known volumes, and a surface that faces outwards."""

import numpy as np
import pytest
from kosmos_sim.meshes import cuboid, join, lathe, prism, superquadric, torus, tube


def volume(mesh):
    """By the divergence theorem; negative for a surface turned inside out."""
    first, second, third = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
    return np.einsum("ij,ij->i", first, np.cross(second, third)).sum() / 6


ANGLES = np.linspace(0, 2 * np.pi, 60, endpoint=False)
STRAIGHT = [(0, 0, 0), (0, 0, 0.5), (0, 0, 1)]
CASES = {
    "cylinder": (lathe([(0, 0), (1, 0), (1, 2), (0, 2)], 90), 2 * np.pi),
    "cone": (lathe([(0, 0), (1, 0), (0, 3)], 90), np.pi),
    "hollow": (lathe([(0, 0), (2, 0), (2, 1), (1, 1), (1, 0.5), (0, 0.5)], 90), 4 * np.pi - np.pi / 2),
    "cuboid": (cuboid(1, 2, 3), 24),
    "prism": (prism(np.column_stack([np.cos(ANGLES), np.sin(ANGLES)]), 2), 2 * np.pi),
    "tube": (tube(STRAIGHT, 0.1, 60), np.pi * 0.01),
    "flat tube": (tube(STRAIGHT, 0.1, 60, 0.5), np.pi * 0.005),
    "ellipsoid": (superquadric(1, 2, 3, 1, 1, 60, 90), 4 / 3 * np.pi * 6),
    "torus": (torus(3, 1, 90, 60), 2 * np.pi**2 * 3),
}


@pytest.mark.parametrize("name", CASES)
def test_volume_is_the_known_one_and_faces_look_outwards(name):
    mesh, expected = CASES[name]
    assert volume(mesh) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("name", CASES)
def test_surface_is_closed(name):
    faces = CASES[name][0].faces
    edges = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    forward, counts = np.unique(edges, axis=0, return_counts=True)
    assert (counts == 1).all()
    assert {tuple(edge) for edge in forward} == {tuple(edge[::-1]) for edge in forward}


def test_joined_meshes_keep_their_volume_and_turning_keeps_it_too():
    one, other = cuboid(1, 1, 1), cuboid(1, 2, 1).moved(5, 0, 2).turned("y", 37).turned("x", -80)
    assert volume(join(one, other)) == pytest.approx(volume(one) + volume(other))


def test_right_handed_turns():
    corner = cuboid(1, 1, 1).moved(2, 0, 0)
    assert corner.turned("z", 90).vertices[:, 1].mean() == pytest.approx(2)
    assert corner.turned("y", 90).vertices[:, 2].max() == pytest.approx(-1)
    assert corner.turned("x", 90).vertices[:, 1].max() == pytest.approx(0)


def test_grounded_puts_the_lowest_vertex_on_zero():
    assert cuboid(1, 1, 1).moved(z=-3).grounded().vertices[:, 2].min() == 0
