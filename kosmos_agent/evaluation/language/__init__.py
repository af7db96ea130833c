"""Language alone: log-likelihoods, multiple choice, and the adapter for lm-evaluation-harness."""
