"""Where training samples come from: each source gives its n-th sample, for any n, always the same."""
