"""The same examples on every run and every machine: a red suite must be red again when it is looked at."""

import pytest
import ros_domain
from hypothesis import settings

settings.register_profile("project", derandomize=True, deadline=None)
settings.load_profile("project")


@pytest.fixture(scope="module", autouse=True)
def each_file_its_own_ros_domain():
    yield
    ros_domain.leave()
