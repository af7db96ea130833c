"""A ROS domain for each test file, so that none sees what another left behind.

rclpy keeps the name and the services of a lifecycle node in the graph for as long as the process lives, and a test
process runs many files.
"""

import os

from kosmos_ros.domains import free_domain_id
from kosmos_ros.environment import MAX_DOMAIN_ID

_domain_id = None
_left = 0


def own_domain_id():
    """The same for the whole of one test file."""
    global _domain_id
    if _domain_id is None:
        # Workers of one run take every n-th domain: one in which nothing listens now may be another's between tests.
        workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
        worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
        first = 10 * os.getppid() + worker + workers * _left
        _domain_id = free_domain_id(first=1 + first % MAX_DOMAIN_ID)
    return _domain_id


def leave():
    """The next file takes another."""
    global _domain_id, _left
    if _domain_id is not None:
        _domain_id, _left = None, _left + 1
