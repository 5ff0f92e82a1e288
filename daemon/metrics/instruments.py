"""What is counted while it happens; everything else is read at the scrape."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics
from prometheus_client.process_collector import ProcessCollector

from tunewright.daemon.measures import Measures

_CALL_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10)
_COMMIT_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5)
_GROUP_SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256)
#: From the second that a gate takes to the week that a training does.
_STEP_SECONDS = (1, 5, 15, 60, 300, 900, 3600, 4 * 3600, 12 * 3600, 24 * 3600, 3 * 24 * 3600, 7 * 24 * 3600)


class Instruments(Measures):
    """Counts for Prometheus, from the daemon's start on."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # When each counter began doubles what Prometheus keeps, and nobody asks for it.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        ProcessCollector(registry=registry)
        self._calls = Counter(
            "tunewright_grpc_calls",
            "Calls that have ended, by method and status.",
            ("method", "code"),
            registry=registry,
        )
        self._call_seconds = Histogram(
            "tunewright_grpc_call_seconds",
            "From a call to its answer, by method; streams have no such time.",
            ("method",),
            buckets=_CALL_SECONDS,
            registry=registry,
        )
        self._streams = Gauge("tunewright_grpc_open_streams", "Streams that are open.", ("method",), registry=registry)
        self._denials = Counter(
            "tunewright_access_denials",
            "Calls of callers who were kept out, by reason.",
            ("reason",),
            registry=registry,
        )
        self._group_sizes = Histogram(
            "tunewright_store_commit_operations",
            "Changes that became durable together.",
            buckets=_GROUP_SIZES,
            registry=registry,
        )
        self._commit_seconds = Histogram(
            "tunewright_store_commit_seconds",
            "How long a transaction of the store took to become durable.",
            buckets=_COMMIT_SECONDS,
            registry=registry,
        )
        self._step_seconds = Histogram(
            "tunewright_step_duration_seconds",
            "From the first start of a step to its end, by kind and final state.",
            ("kind", "state"),
            buckets=_STEP_SECONDS,
            registry=registry,
        )

    def call_ended(self, method: str, code: str, seconds: float | None) -> None:
        """Count a call, and its time."""
        self._calls.labels(method, code).inc()
        if seconds is not None:
            self._call_seconds.labels(method).observe(seconds)

    def stream_opened(self, method: str, change: int) -> None:
        """Count open streams."""
        if change:
            self._streams.labels(method).inc(change)

    def denied(self, reason: str) -> None:
        """Count a refusal."""
        self._denials.labels(reason).inc()

    def committed(self, operations: int, seconds: float) -> None:
        """Count a transaction."""
        self._group_sizes.observe(operations)
        self._commit_seconds.observe(seconds)

    def step_ended(self, kind: str, state: str, seconds: float) -> None:
        """Count a step."""
        self._step_seconds.labels(kind, state).observe(seconds)
