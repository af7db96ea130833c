"""Engines beside torch, and how one is chosen."""
