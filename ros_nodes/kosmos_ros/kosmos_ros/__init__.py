"""ROS 2 nodes over kosmos_agent, and what they are made of. Importing this package alone needs no ROS."""
