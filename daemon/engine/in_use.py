"""Artifacts that a step is just about to make or take: the store does not say so yet, and they must not be collected
meanwhile.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class InUse:
    """Belongs to the event loop's thread: between two awaits nobody else looks."""

    _counts: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def hold(self, digest: str | None) -> Iterator[None]:
        """Keep an artifact where it is, or comes to, for as long as this lasts."""
        if digest is None:
            yield
            return
        self._counts[digest] += 1
        try:
            yield
        finally:
            self._counts[digest] -= 1

    def __contains__(self, digest: str) -> bool:
        return self._counts[digest] > 0
