"""Figures beside published ones, and a page of mistakes to look at."""
