"""From a loaded model to answers: frame and query split, constrained decoding, candidates."""
