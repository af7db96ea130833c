"""Who may come in over a network: this machine alone, unless a token guards the way (pure)."""

from __future__ import annotations

import contextlib
import hmac
import ipaddress
import os
import socket
from collections.abc import Sequence
from pathlib import Path

from kosmos_agent.errors import InvalidArgumentError

MIN_TOKEN_CHARACTERS = 16
_MAX_TOKEN_BYTES = 4096


def check_way_in(host: str, token: str | None, names: Sequence[str] = (), *, source: str = "--token-file") -> None:
    """InvalidArgumentError: beyond loopback without a token, a token too short, or a wildcard address without `names`.

    names: host names under which clients reach a server that listens on all addresses. source: where a token may come
    from, in words.
    """
    if token is not None and (len(token) < MIN_TOKEN_CHARACTERS or not token.isascii() or " " in token):
        raise InvalidArgumentError(f"this token is no good; valid: {MIN_TOKEN_CHARACTERS} ASCII characters or more")
    if not is_loopback(host) and token is None:
        raise InvalidArgumentError(f"{host} can be reached from other machines; valid there: with a token ({source})")
    if _is_wildcard(host) and not names:
        raise InvalidArgumentError(
            f"{host} is every address of this machine; valid: with --allow-host NAME, the name that clients use"
        )


def is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def hosts_of(host: str, port: int, names: Sequence[str]) -> list[str]:
    """Valid `Host` headers of requests to this address."""
    own = [] if _is_wildcard(host) else [host]
    if is_loopback(host):
        own += ["127.0.0.1", "localhost", "::1"]
    return [written(name, port) for name in dict.fromkeys([*own, *names])]


def listen(host: str, port: int) -> socket.socket:
    """Bound, not listening yet; port 0: any free one. InvalidArgumentError."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listening = socket.socket(family, kind)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(address)
    except OSError as error:
        raise InvalidArgumentError(f"cannot listen on {written(host, port)}: {error.strerror or error}") from error
    return listening


def written(host: str, port: int) -> str:
    """As in a URL."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def read_token(path: Path | None, variable: str) -> str | None:
    """From the file, or else the environment; None where neither has one. InvalidArgumentError."""
    if path is None:
        return os.environ.get(variable) or None
    try:
        with path.open(encoding="ascii") as file:
            token = file.read(_MAX_TOKEN_BYTES).strip()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidArgumentError(f"no token can be read from {path}: {error}") from error
    if not token:
        raise InvalidArgumentError(f"{path} is empty; valid: a file that holds a token")
    return token


def same_token(given: str, expected: str) -> bool:
    """In a time that does not tell how much of it is right."""
    return hmac.compare_digest(given.encode("utf-8", "surrogateescape"), expected.encode())


def _is_wildcard(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_unspecified
    return False
