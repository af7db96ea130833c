"""One model for many: cameras in one process, robots over HTTP, replicas on Ray Serve."""
