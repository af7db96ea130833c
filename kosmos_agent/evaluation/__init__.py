"""Scores: matching, grounding accuracy, reports."""
