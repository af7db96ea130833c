"""Long evaluations: picture by picture, resumable, in one process or on Ray."""
