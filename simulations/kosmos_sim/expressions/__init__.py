"""Referring expressions with exactly the stated referents among everything that shows in the picture."""

from kosmos_sim.expressions.expression import Expression
from kosmos_sim.expressions.grammar import DEFAULT_WEIGHTS, KINDS, sample_expressions

__all__ = ["DEFAULT_WEIGHTS", "KINDS", "Expression", "sample_expressions"]
