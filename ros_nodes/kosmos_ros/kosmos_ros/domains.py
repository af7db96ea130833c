"""A ROS domain that nobody on this machine uses. No ROS here."""

from __future__ import annotations

import os
import socket

from kosmos_agent.errors import InvalidArgumentError
from kosmos_ros.environment import MAX_DOMAIN_ID

# DDSI-RTPS 9.6.2: where the participants of a domain listen, two ports for each.
_FIRST_PORT, _PORTS_PER_DOMAIN, _UNICAST_OFFSET, _PORTS_PER_PARTICIPANT = 7400, 250, 10, 2
_PARTICIPANTS = 8


def free_domain_id(first: int | None = None) -> int:
    """The first one from `first` on (default: one by this process's id), round to 1, in which nothing listens.

    0 is left out: it is everybody's. InvalidArgumentError: all are in use.
    """
    start = os.getpid() if first is None else first - 1
    for step in range(MAX_DOMAIN_ID):
        domain_id = 1 + (start + step) % MAX_DOMAIN_ID
        if all(_is_free(port) for port in listening_ports(domain_id)):
            return domain_id
    raise InvalidArgumentError(f"all ROS domains from 1 to {MAX_DOMAIN_ID} are in use; valid: one that you name")


def listening_ports(domain_id: int) -> list[int]:
    """UDP ports of its first participants."""
    first = _FIRST_PORT + _PORTS_PER_DOMAIN * domain_id + _UNICAST_OFFSET
    return list(range(first, first + _PARTICIPANTS * _PORTS_PER_PARTICIPANT, _PORTS_PER_PARTICIPANT))


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
        return True
