"""Who follows the logs of runs now, and who does not keep up."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass(slots=True, eq=False)
class Follower:
    """One follower; `since` is when the page was read that it has not taken yet (monotonic seconds), else None."""

    since: float | None = None

    def hand(self) -> None:
        """A page is ready for it."""
        self.since = time.monotonic()

    def taken(self) -> None:
        """It has taken the page."""
        self.since = None


@dataclass(slots=True)
class Followers:
    """All of them."""

    _all: set[Follower] = field(default_factory=set)

    @contextmanager
    def one(self) -> Iterator[Follower]:
        """Keep a follower for as long as it follows."""
        follower = Follower()
        self._all.add(follower)
        try:
            yield follower
        finally:
            self._all.discard(follower)

    def __len__(self) -> int:
        return len(self._all)

    def longest_wait_seconds(self) -> float:
        """Return for how long the slowest of them has not taken what is ready for it. Any thread may ask."""
        now = time.monotonic()
        waiting = [since for follower in self._all.copy() if (since := follower.since) is not None]
        return max((now - since for since in waiting), default=0.0)
