"""One scrape: everything is read in a thread, at most once a second, and written in the form that was asked for."""

import asyncio
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from tunewright import __version__
from tunewright.daemon.clock import Clock, Milliseconds
from tunewright.daemon.devices.device import Sample
from tunewright.daemon.engine.liveness import Heard
from tunewright.daemon.engine.points import PointStore
from tunewright.daemon.followers import Followers
from tunewright.daemon.home import Home
from tunewright.daemon.metrics import families
from tunewright.daemon.metrics.engines import read_engines
from tunewright.daemon.metrics.machine import read_storage
from tunewright.daemon.metrics.readings import StoreReading, read_store
from tunewright.daemon.metrics.services import service_readings
from tunewright.daemon.metrics.training import TrainingReading, newest_figures
from tunewright.daemon.store.schema import MIGRATIONS

FRESH_SECONDS = 1.0
_BUSY_MILLISECONDS = 2000
_POINTS = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Where figures come from. `heard` answers by deployment, `samples` by device, both as of the last look."""

    home: Home
    clock: Clock
    points: PointStore
    followers: Followers
    heard: Callable[[], Mapping[int, Heard]]
    samples: Callable[[], Mapping[str, Sample]]


@dataclass(slots=True, eq=False)
class _AtScrape(Collector):
    """The families that are read when somebody asks."""

    sources: Sources

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        sources = self.sources
        now = sources.clock.now()
        store = _read_store(sources.home, now)
        engines = read_engines(store.deployments, sources.home)
        yield families.build_family(__version__, len(MIGRATIONS))
        yield from families.store_families(store, now)
        yield from families.storage_families(read_storage(sources.home))
        yield from families.follower_families(len(sources.followers), sources.followers.longest_wait_seconds())
        yield from families.service_families(service_readings(store.deployments, sources.heard(), engines))
        yield from families.device_families(store.devices, sources.samples())
        yield from families.training_families(_trainings(store, sources.points))


def _read_store(home: Home, now: Milliseconds) -> StoreReading:
    """A connection of its own: nobody waits for a scrape. Opening one costs a tenth of a millisecond."""
    connection = sqlite3.connect(f"file:{home.database}?mode=ro", uri=True, isolation_level=None)
    try:
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}")
        return read_store(connection, now)
    finally:
        connection.close()


def _trainings(store: StoreReading, points: PointStore) -> list[TrainingReading]:
    found = []
    for step in store.active:
        bodies = points.newest(step.run, step.step, step.attempt, _POINTS)
        if bodies:
            found.append(newest_figures(step, bodies))
    return found


@dataclass(slots=True)
class Exposition:
    """Answers scrapes; those that come at the same time share one reading."""

    registry: CollectorRegistry
    sources: Sources
    _made: dict[str, tuple[float, bytes]] = field(default_factory=dict)
    _reading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.registry.register(_AtScrape(self.sources))

    async def text(self, accept: str) -> tuple[bytes, str]:
        """Return the exposition and its content type; `accept` is the header of that name."""
        encode, kind = choose_encoder(accept)
        async with self._reading:
            time_made, text = self._made.get(kind, (-FRESH_SECONDS, b""))
            if time.monotonic() - time_made >= FRESH_SECONDS:
                text = await asyncio.to_thread(encode, self.registry)
                self._made = {kind: (time.monotonic(), text)}
        return text, kind
