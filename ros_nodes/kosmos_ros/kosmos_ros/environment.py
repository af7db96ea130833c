"""Which environment variables a process needs before it starts: the transport of pictures is chosen there.

Once rclpy has made its first node it is too late. No ROS here.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from kosmos_agent.errors import InvalidArgumentError

Profile = Literal["large_images", "large_images_cyclone_interop"]
DiscoveryRange = Literal["LOCALHOST", "SUBNET", "OFF", "SYSTEM_DEFAULT"]

PROFILE_FILE = "FASTDDS_DEFAULT_PROFILES_FILE"
MAX_DOMAIN_ID = 101
"""Above it, the ports of a domain may be ones that Linux gives to other programs."""

_WHEELS_GUARD = "_ROS_WHEELS_BOOTSTRAP_COMPLETE"
"""Set by the wheels in each Python that they start again with their library path."""
_RANGES = ("LOCALHOST", "SUBNET", "OFF", "SYSTEM_DEFAULT")
_FOLDER = Path(__file__).with_name("fastdds")


def profile_path(profile: Profile = "large_images") -> Path:
    """The Fast DDS profile that ships with this package. InvalidArgumentError: no such profile."""
    if profile not in available_profiles():
        raise InvalidArgumentError(f"profile {profile!r}; valid: {', '.join(available_profiles())}")
    return _FOLDER / f"{profile}.xml"


def available_profiles() -> list[str]:
    return sorted(path.stem for path in _FOLDER.glob("*.xml"))


def for_process(
    base: Mapping[str, str] | None = None,
    *,
    profile: Profile = "large_images",
    domain_id: int | None = None,
    discovery: DiscoveryRange | None = None,
) -> dict[str, str]:
    """A copy of `base` (default: this process's own) for a ROS process, pictures through large shared memory.

    A profile that `base` names already is kept: whoever set it knew why. domain_id: 0 to 101. discovery: who may find
    the process; None keeps what `base` says. InvalidArgumentError otherwise.
    """
    if domain_id is not None and not 0 <= domain_id <= MAX_DOMAIN_ID:
        raise InvalidArgumentError(f"domain id {domain_id}; valid: 0 to {MAX_DOMAIN_ID}")
    if discovery is not None and discovery not in _RANGES:
        raise InvalidArgumentError(f"discovery range {discovery!r}; valid: {', '.join(_RANGES)}")
    path = profile_path(profile)
    environment = dict(os.environ if base is None else base)
    environment.setdefault(PROFILE_FILE, str(path))
    if domain_id is not None:
        environment["ROS_DOMAIN_ID"] = str(domain_id)
    if discovery is not None:
        environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] = discovery
    return environment


@contextmanager
def applied(variables: Mapping[str, str]) -> Iterator[None]:
    """This process's own environment is `variables` while inside."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        for name in variables.keys() - before.keys():
            os.environ.pop(name, None)
        os.environ.update(before)


def without_wheels(base: Mapping[str, str] | None = None) -> dict[str, str]:
    """For a Python that is not this environment's: with the wheels' library path it would load our libraries."""
    environment = dict(os.environ if base is None else base)
    if environment.pop(_WHEELS_GUARD, None) is None:
        return environment
    parts = environment.pop("LD_LIBRARY_PATH", "").split(os.pathsep)
    foreign = [part for part in parts if part and not Path(part).is_relative_to(sys.prefix)]
    if foreign:
        environment["LD_LIBRARY_PATH"] = os.pathsep.join(foreign)
    return environment


def missing_profile(base: Mapping[str, str] | None = None) -> str | None:
    """A sentence with the line to type when pictures would go through default settings; None when all is well."""
    environment = os.environ if base is None else base
    if environment.get("RMW_IMPLEMENTATION", "rmw_fastrtps_cpp") != "rmw_fastrtps_cpp":
        return None
    named = environment.get(PROFILE_FILE)
    line = f"export {PROFILE_FILE}={profile_path()}"
    if not named:
        return f"no Fast DDS profile is set, so raw pictures may be lost; type before starting: {line}"
    if not Path(named).is_file():
        return f"{PROFILE_FILE} names {named}, which is not a file; type before starting: {line}"
    return None
