"""The same examples on every run and every machine: a red suite must be red again when it is looked at."""

from hypothesis import settings

settings.register_profile("project", derandomize=True, deadline=None)
settings.load_profile("project")
