"""How much one identity may ask for, so that nobody takes the daemon from the others."""

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from tunewright.daemon.errors import RefusedError
from tunewright.spec.access import Role
from tunewright.spec.priority import NORMAL, priority_word

_MAX_BUCKETS = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What each identity may have at once, and each project may keep; None for no limit.

    `priority` is the highest that everybody may ask for; who is named, or has a role that is, may have more.
    """

    requests_per_second: float | None = None
    streams: int | None = None
    message_bytes: int | None = None
    queued_runs: int | None = None
    artifact_bytes: int | None = None
    priority: int | None = None
    priority_of_roles: Mapping[Role, int] = field(default_factory=dict)
    priority_of_subjects: Mapping[str, int] = field(default_factory=dict)

    def highest_priority(self, subject: str, roles: Collection[Role]) -> int | None:
        """Return the highest priority that somebody may ask for who has these roles; None for any."""
        if self.priority is None:
            return None
        named = [self.priority_of_subjects[subject]] if subject in self.priority_of_subjects else []
        return max([self.priority, *named, *(self.priority_of_roles.get(role, self.priority) for role in roles)])


UNLIMITED = Limits()
#: For everybody who comes from elsewhere, where the access file says nothing else.
DEFAULT_LIMITS = Limits(
    requests_per_second=50.0, streams=100, message_bytes=6 * 1024 * 1024, queued_runs=100, priority=NORMAL
)
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


def check_priority(priority: int, highest: int | None) -> None:
    """Raise RefusedError (PRIORITY_FORBIDDEN) for a priority above the highest that somebody may ask for."""
    if highest is not None and priority > highest:
        message = f"you may ask for priority {priority_word(highest)} at most, not for {priority_word(priority)}"
        raise RefusedError("PRIORITY_FORBIDDEN", message, highest=str(highest), priority=str(priority))


def check_size(size: int, limits: Limits) -> None:
    """Raise RefusedError (MESSAGE_TOO_LARGE) for a request of so many bytes."""
    if limits.message_bytes is not None and size > limits.message_bytes:
        message = f"the request has {size} bytes, the limit is {limits.message_bytes}"
        raise RefusedError("MESSAGE_TOO_LARGE", message, limit=str(limits.message_bytes), size=str(size))
