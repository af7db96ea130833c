"""From boxes to motion: camera model, 3D targets, the planner protocol."""
