"""One training run on one device, on many (accelerate), or on many machines (Ray Train)."""
