"""Held-out looks: the scenes of two fixed splits, drawn by renderers that training never sees (`docs/looks.md`)."""
