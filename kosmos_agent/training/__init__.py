"""Training: examples, sequences, losses, the loop. Nothing at run time imports this package."""
