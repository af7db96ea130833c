"""What a training run is, as a file: the models of its sections, and reading them."""
