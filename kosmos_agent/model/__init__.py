"""Kosmos-2 itself: vision tower, resampler, decoder, checkpoints."""
