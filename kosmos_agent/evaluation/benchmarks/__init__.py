"""Public benchmarks as samples: strict readers of the formats in which they are given out."""
