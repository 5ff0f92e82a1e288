"""How much one identity may ask for, so that nobody takes the daemon from the others."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from tunewright.daemon.errors import RefusedError

_MAX_BUCKETS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What each identity may have at once, and each project may keep; None for no limit."""

    requests_per_second: float | None = None
    streams: int | None = None
    message_bytes: int | None = None
    queued_runs: int | None = None
    artifact_bytes: int | None = None


UNLIMITED = Limits()
#: For everybody who comes from elsewhere, where the access file says nothing else.
DEFAULT_LIMITS = Limits(requests_per_second=50.0, streams=100, message_bytes=6 * 1024 * 1024, queued_runs=100)
#: Calls a second from one address that can't say who they are; checking a credential costs work.
STRANGERS_PER_SECOND = 5.0
_BURST_SECONDS = 2.0


@dataclass(slots=True)
class _Bucket:
    tokens: float
    time: float


@dataclass(slots=True)
class Meter:
    """Counts calls and streams of identities."""

    now: Callable[[], float] = time.monotonic
    _buckets: dict[str, _Bucket] = field(default_factory=dict)
    _streams: Counter[str] = field(default_factory=Counter)

    def take(self, who: str, per_second: float | None) -> None:
        """Count one call; raise RefusedError (RATE_LIMITED) when `who` has made too many lately."""
        if per_second is None:
            return
        now, most = self.now(), max(1.0, per_second * _BURST_SECONDS)
        bucket = self._buckets.get(who)
        if bucket is None:
            self._forget(now)
            bucket = self._buckets[who] = _Bucket(most, now)
        bucket.tokens = min(most, bucket.tokens + (now - bucket.time) * per_second)
        bucket.time = now
        if bucket.tokens < 1:
            message = f"more than {per_second:g} calls a second: wait a moment and try again"
            raise RefusedError("RATE_LIMITED", message, requests_per_second=f"{per_second:g}")
        bucket.tokens -= 1

    @contextmanager
    def stream(self, who: str, most: int | None) -> Iterator[None]:
        """Count a stream while it is open; raise RefusedError (QUOTA_EXCEEDED) when `who` has too many open."""
        if most is not None and self._streams[who] >= most:
            message = f"{most} streams are open already: close one, then try again"
            raise RefusedError("QUOTA_EXCEEDED", message, quota="streams", limit=str(most))
        self._streams[who] += 1
        try:
            yield
        finally:
            self._streams[who] -= 1
            if not self._streams[who]:
                del self._streams[who]

    def _forget(self, now: float) -> None:
        """Keep the memory small: a bucket that nobody has taken from for a while is full again."""
        if len(self._buckets) >= _MAX_BUCKETS:
            old = [who for who, bucket in self._buckets.items() if now - bucket.time > _BURST_SECONDS]
            for who in old or list(self._buckets)[: _MAX_BUCKETS // 2]:
                del self._buckets[who]


def check_size(size: int, limits: Limits) -> None:
    """Raise RefusedError (MESSAGE_TOO_LARGE) for a request of so many bytes."""
    if limits.message_bytes is not None and size > limits.message_bytes:
        message = f"the request has {size} bytes, the limit is {limits.message_bytes}"
        raise RefusedError("MESSAGE_TOO_LARGE", message, limit=str(limits.message_bytes), size=str(size))
