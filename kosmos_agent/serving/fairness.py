"""Whose turn it is: deficit round robin (Shreedhar and Varghese, 1995), with phrases for bytes (pure).

Everybody in the ring gains `quantum` of credit each time round and pays what is done for him, so that whoever asks for
much at a time gets no more of the model than whoever asks for little.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable


class DeficitRoundRobin:
    """Not thread-safe."""

    def __init__(self, quantum: int) -> None:
        self._quantum = quantum
        self._ring: deque[str] = deque()
        self._credit: dict[str, int] = {}

    def join(self, name: str) -> None:
        """At the end of the ring, with nothing; no matter where one stands in it already."""
        if name not in self._credit:
            self._ring.append(name)
            self._credit[name] = 0

    def peek(self, price: Callable[[str], int | None]) -> tuple[str, int] | None:
        """Whoever can pay for what is next for him, and its price; None where nobody wants anything.

        price: None where somebody wants nothing; he leaves, and his credit is lost, as idleness saves up no claims.
        """
        while self._ring:
            name = self._ring[0]
            due = price(name)
            if due is None:
                self._ring.popleft()
                del self._credit[name]
            elif due <= self._credit[name]:
                return name, due
            else:
                self._credit[name] += self._quantum
                self._ring.rotate(-1)
        return None

    def pay(self, name: str, price: int) -> None:
        self._credit[name] -= price
