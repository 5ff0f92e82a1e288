"""Figures of the service for Prometheus."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_SECONDS = (0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60, 120)


class Measures:
    """What is counted; one registry for each service, so that nothing leaks between them."""

    def __init__(self) -> None:
        self.open_count = 0
        self._registry = CollectorRegistry()
        self.requests = Counter(
            "tunewright_requests", "Requests by path and HTTP status.", ("path", "status"), registry=self._registry
        )
        self.open_requests = Gauge(
            "tunewright_open_requests", "Generation requests being answered or waiting.", registry=self._registry
        )
        self.seconds = Histogram(
            "tunewright_request_seconds",
            "From a generation request to the end of its answer.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.first_token_seconds = Histogram(
            "tunewright_first_token_seconds",
            "From a generation request to its first token.",
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.prompt_tokens = Counter("tunewright_prompt_tokens", "Tokens of prompts.", registry=self._registry)
        self.completion_tokens = Counter("tunewright_completion_tokens", "Tokens written.", registry=self._registry)

    @contextmanager
    def generation(self) -> Iterator["GenerationClock"]:
        """Time one generation and count it as open meanwhile."""
        clock = GenerationClock(self.first_token_seconds)
        self.open_count += 1
        self.open_requests.set(self.open_count)
        try:
            yield clock
        finally:
            self.open_count -= 1
            self.open_requests.set(self.open_count)
            self.seconds.observe(clock.elapsed())

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return bytes(generate_latest(self._registry))


class GenerationClock:
    """Runs from the start of one generation."""

    def __init__(self, first_token_seconds: Histogram) -> None:
        self._started = time.monotonic()
        self._first_token_seconds: Histogram | None = first_token_seconds

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return time.monotonic() - self._started

    def token_came(self) -> None:
        """Note the first token; later ones count no more."""
        if self._first_token_seconds is not None:
            self._first_token_seconds.observe(self.elapsed())
            self._first_token_seconds = None
