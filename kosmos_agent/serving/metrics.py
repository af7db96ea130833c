"""Figures of a server in Prometheus' format."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_OURS = "kosmos_agent"
_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
REJECTED = ("busy", "too_large")
"""Codes of requests that were turned away unheard; those without the token get no further than `turned_away`."""


class Metrics:
    """One registry for each server, so that several in one process do not mix. waiting: asked at each scrape."""

    def __init__(self, waiting: Callable[[], int]) -> None:
        own = self._registry = CollectorRegistry()
        self._requests = Counter(
            f"{_OURS}_requests", "Requests that ended, by task and code", ["task", "code"], registry=own
        )
        self._rejected = Counter(f"{_OURS}_rejected", "Requests turned away unheard, by code", ["code"], registry=own)
        self._latency_s = Histogram(
            f"{_OURS}_request_seconds", "From a request's head to its answer", ["task"], buckets=_SECONDS, registry=own
        )
        self._age_s = Histogram(
            f"{_OURS}_picture_age_seconds", "When its answer was known", ["task"], buckets=_SECONDS, registry=own
        )
        self._phrases = Counter(f"{_OURS}_phrases", "Phrases, boxes, questions answered", ["task"], registry=own)
        Gauge(f"{_OURS}_queue_length", "Requests without an answer yet", registry=own).set_function(waiting)

    def ended(self, task: str, code: str, seconds: float) -> None:
        """code: `ok`, or that of the error."""
        self._requests.labels(task, code).inc()
        if code in REJECTED:
            self.turned_away(code)
        else:
            self._latency_s.labels(task).observe(seconds)

    def turned_away(self, code: str) -> None:
        self._rejected.labels(code).inc()

    def answered(self, task: str, count: int, age_s: float) -> None:
        self._phrases.labels(task).inc(count)
        self._age_s.labels(task).observe(age_s)

    def text(self) -> bytes:
        return generate_latest(self._registry)
