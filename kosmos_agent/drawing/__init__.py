"""Answers as pictures: boxes with tags, a status line, strips and films. Pillow only, its built-in font."""

from kosmos_agent.drawing.answers import annotate, annotate_text, film_frame
from kosmos_agent.drawing.sheets import strip, write_film, write_strip

__all__ = ["annotate", "annotate_text", "film_frame", "strip", "write_film", "write_strip"]
