"""The simulated machine: time, what happens at which moment, supervisors and what runs below them."""

import heapq
import itertools
import os
import random
from collections import Counter
from collections.abc import Callable, Generator
from pathlib import Path

from tunewright.daemon.clock import Clock

EPOCH_MILLISECONDS = 1_800_000_000_000
#: A supervisor's life: it yields how many seconds it does nothing.
Life = Generator[float, None, None]


class DaemonDiedError(BaseException):
    """The daemon is killed at this moment: no code of its own gets to run any more."""


class SupervisorProcess:
    """A supervisor as its parent sees it, and the bundle's lock that it holds while it lives."""

    def __init__(self, world: "World", bundle: Path, lock: int, life: Life) -> None:
        self._world, self._life = world, life
        self.bundle = bundle
        self._lock: int | None = os.dup(lock)
        world.at(0.0, self._go_on)

    def poll(self) -> int | None:
        """Return the exit code, None while it lives."""
        return None if self._lock is not None else 0

    def kill(self) -> None:
        """End it as `kill -9` does; the kernel lets go of the lock and takes the runner along."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            self._life.close()
            self._world.supervisors.remove(self)

    def _go_on(self) -> None:
        if self._lock is None:
            return
        pause = next(self._life, None)
        if pause is None:
            self.kill()
        else:
            self._world.at(pause, self._go_on)


class World:
    """Everything outside of the daemon. `draw` is the only source of chance, `now` the only time, in seconds."""

    def __init__(self, seed: int) -> None:
        self.draw = random.Random(seed)
        self.now = 0.0
        self.clock_error_milliseconds = 0
        self.chaos = True
        self.supervisors: list[SupervisorProcess] = []
        self.starts: Counter[Path] = Counter()
        self.counts: Counter[str] = Counter()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    @property
    def clock(self) -> Clock:
        """The daemon's clock: somebody may set it, forwards and backwards."""
        return Clock(
            now=lambda: EPOCH_MILLISECONDS + int(self.now * 1000) + self.clock_error_milliseconds,
            word=lambda: f"{self.draw.randrange(16**8):08x}",
        )

    def at(self, delay: float, action: Callable[[], None]) -> None:
        """Let something happen after so many seconds."""
        heapq.heappush(self._events, (self.now + delay, next(self._order), action))

    def pass_time(self, limit: float | None) -> None:
        """Go on to the next event of the machine, or by `limit` seconds where nothing happens before."""
        moment = None if limit is None else self.now + limit
        if self._events and (moment is None or self._events[0][0] <= moment):
            self.now, _, action = heapq.heappop(self._events)
            action()
        elif moment is None:
            raise AssertionError("nothing will ever happen again, and the daemon waits")
        else:
            self.now = moment

    def live(self, seconds: float) -> None:
        """Let time pass while no daemon is there."""
        end = self.now + seconds
        while self.now < end:
            self.pass_time(end - self.now)

    def kill_leftovers(self, bundle: Path, group: Path | None = None) -> frozenset[int]:
        """Kill the supervisors of a bundle, as the daemon does by their mark."""
        for supervisor in [item for item in self.supervisors if item.bundle == bundle]:
            supervisor.kill()
        return frozenset()

    def restart_machine(self) -> None:
        """Kill every supervisor at once."""
        for supervisor in list(self.supervisors):
            supervisor.kill()
