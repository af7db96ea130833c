"""Draws expressions of the asked-for kinds from one picture."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

import numpy as np
from numpy.typing import NDArray

from kosmos_agent.errors import InvalidArgumentError
from kosmos_sim.expressions.absent import absent
from kosmos_sim.expressions.attributes import attribute, category, colour
from kosmos_sim.expressions.expression import Expression
from kosmos_sim.expressions.geometry import Geometry, measure
from kosmos_sim.expressions.ordinals import ordinal
from kosmos_sim.expressions.plurals import plural_group
from kosmos_sim.expressions.relations import relation
from kosmos_sim.expressions.sizes import size
from kosmos_sim.expressions.superlatives import superlative
from kosmos_sim.lexicon import Lexicon
from kosmos_sim.records import SceneObject

Sampler = Callable[[Geometry, Random, Lexicon], Expression | None]

_SAMPLERS: dict[str, Sampler] = {
    "attribute": attribute,
    "category": category,
    "colour": colour,
    "relation": relation,
    "superlative": superlative,
    "ordinal": ordinal,
    "size": size,
    "plural": plural_group,
    "absent": absent,
}
KINDS = tuple(_SAMPLERS)
DEFAULT_WEIGHTS: Mapping[str, float] = {
    "attribute": 22, "category": 12, "colour": 4, "relation": 20, "superlative": 8, "ordinal": 3, "size": 3,
    "plural": 6, "absent": 10,
}  # fmt: skip
_ATTEMPTS_PER_PHRASE = 5


def sample_expressions(
    objects: Sequence[SceneObject],
    rng: np.random.Generator,
    count: int,
    weights: Mapping[str, float] | None = None,
    *,
    T_table_camera: NDArray[np.float64] | None = None,
    lexicon: Lexicon | None = None,
) -> list[Expression]:
    """At most `count` different expressions; fewer where the picture does not admit them.

    objects: ALL that show, however little. T_table_camera: (4, 4); without it nothing is said about distance from
    the camera. Raises InvalidArgumentError for an unknown kind.
    """
    return draw_expressions(
        measure(objects, T_table_camera),
        Random(int(rng.integers(2**63))),
        count,
        weights or DEFAULT_WEIGHTS,
        lexicon or Lexicon(),
    )


def draw_expressions(
    scene: Geometry, rng: Random, count: int, weights: Mapping[str, float], lexicon: Lexicon
) -> list[Expression]:
    """The same over a measured picture. A kind that fails is dropped half of the time, so rare ones get a chance."""
    unknown = weights.keys() - _SAMPLERS.keys()
    if unknown:
        raise InvalidArgumentError(f"unknown kinds {sorted(unknown)}; valid: {', '.join(KINDS)}")
    kinds, shares = list(weights), list(weights.values())
    found: dict[str, Expression] = {}
    for _ in range(_ATTEMPTS_PER_PHRASE * count):
        if len(found) >= count or sum(shares) <= 0:
            break
        place = rng.choices(range(len(kinds)), shares)[0]
        expression = _SAMPLERS[kinds[place]](scene, rng, lexicon)
        if expression is None:
            shares[place] /= 2
        else:
            found.setdefault(expression.text, expression)
    return list(found.values())
