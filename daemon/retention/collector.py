"""Take away what nothing keeps: out of sight at once, written down, then removed.

Deciding and taking away happen between two awaits, so that nobody can begin to use what goes. A daemon that dies in
between leaves folders out of sight; the next collection removes them.
"""

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from tunewright.daemon.actor import ACTOR
from tunewright.daemon.aside import Aside
from tunewright.daemon.clock import Clock, Milliseconds
from tunewright.daemon.engine.artifacts import measure
from tunewright.daemon.engine.in_use import InUse
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.home import Home
from tunewright.daemon.retention.facts import read_facts
from tunewright.daemon.retention.garbage import DAY, Garbage, GarbageKind, find_garbage
from tunewright.daemon.retention.policy import Retention
from tunewright.daemon.retention.reading import read_retention
from tunewright.daemon.store import alerts, holds
from tunewright.daemon.store.database import Database, StorageBusyError, StorageFullError
from tunewright.daemon.store.holds import CollectedRecord
from tunewright.runners.contract import WORK

_log = logging.getLogger(__name__)

_BATCH = 50
_SUFFIX = ".collected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sized:
    """Garbage and the size of its files."""

    garbage: Garbage
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Collector:
    """Collects the garbage of one home, once at a time; `aside` reads the site's retention."""

    database: Database
    home: Home
    clock: Clock
    in_use: InUse
    aside: Aside | None = None
    _once: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def retention(self) -> Retention:
        """Return the site's retention as it is now; raise RefusedError where it can't be read."""
        return await asyncio.to_thread(read_retention, self.home.root, self.aside)

    async def foresee(self, retention: Retention) -> list[Sized]:
        """Return what would go now."""
        return await asyncio.to_thread(self._there, list(self._garbage(retention)))

    async def collect(self, retention: Retention) -> list[Sized]:
        """Take away everything that nothing keeps and return what it was; raise RefusedError during a backup."""
        async with self._once:
            with self.home.collecting() as alone:
                if not alone:
                    raise RefusedError("BACKUP_RUNNING", "a backup is being made of what would go: try again later")
                gone = await self._collect(retention)
                ended_before = self.clock.now() - retention.logs_days * DAY
                await self.database.write(lambda connection: alerts.forget(connection, ended_before))
                await asyncio.to_thread(self._stamp.write_text, str(self.clock.now()), encoding="ascii")
                return gone

    async def collect_by_policy(self) -> list[Sized]:
        """Collect by the site's retention; raise RefusedError where it can't be read, or during a backup."""
        return await self.collect(await self.retention())

    def last_time(self) -> Milliseconds | None:
        """Return when everything was collected last; None where nobody knows."""
        try:
            return int(self._stamp.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return None

    @property
    def _stamp(self) -> Path:
        return self.home.root / "collected"

    async def _collect(self, retention: Retention) -> list[Sized]:
        await asyncio.to_thread(self._sweep)
        gone: list[Sized] = []
        planned = await self.foresee(retention)
        for start in range(0, len(planned), _BATCH):
            taken = self._take(planned[start : start + _BATCH], retention)
            await self._note(taken)
            await asyncio.to_thread(self._remove, taken)
            gone += taken
        return gone

    def _take(self, planned: list[Sized], retention: Retention) -> list[Sized]:
        """Nothing is awaited in here: what is garbage when it is looked at is garbage when it is taken."""
        still = {(item.kind, item.subject) for item in self._garbage(retention)}
        taken = []
        for item in planned:
            if (item.garbage.kind, item.garbage.subject) not in still:
                continue
            place = self._place(item.garbage)
            try:
                place.rename(_aside(place))
            except OSError as error:
                _log.warning("%s can't be collected: %s", place, error)
            else:
                taken.append(item)
        return taken

    def _garbage(self, retention: Retention) -> Iterator[Garbage]:
        for item in find_garbage(read_facts(self.database.read), retention, self.clock.now()):
            if f"sha256:{item.subject.removeprefix('artifacts/')}" not in self.in_use:
                yield item

    def _there(self, items: list[Garbage]) -> list[Sized]:
        """What was collected before is no garbage any more."""
        return [
            Sized(garbage=item, size_bytes=measure(place)[0]) for item in items if (place := self._place(item)).is_dir()
        ]

    def _place(self, item: Garbage) -> Path:
        if item.kind is GarbageKind.ARTIFACT:
            return self.home.artifact(item.subject.removeprefix("artifacts/"))
        _, run, _, step, _, number = item.subject.split("/")
        bundle = self.home.bundle(run, step, int(number))
        return bundle / WORK if item.kind is GarbageKind.CHECKPOINTS else bundle

    async def _note(self, taken: list[Sized]) -> None:
        """Nothing goes that is not written down."""
        write = partial(self._write_down, taken)
        try:
            await self.database.write(write)
        except StorageFullError:
            # What goes makes the room that its entry needs.
            await asyncio.to_thread(self._remove, taken)
            await self.database.write(write)
        except StorageBusyError:
            for item in taken:
                place = self._place(item.garbage)
                _aside(place).rename(place)
            raise

    def _write_down(self, taken: list[Sized], connection: sqlite3.Connection) -> None:
        now, actor = self.clock.now(), ACTOR.get()
        for item in taken:
            garbage = item.garbage
            holds.insert_collected(
                connection,
                CollectedRecord(
                    kind=garbage.kind,
                    subject=garbage.subject,
                    project=garbage.project,
                    size_bytes=item.size_bytes,
                    reason=garbage.reason,
                    time=now,
                    actor=actor,
                ),
            )

    def _remove(self, taken: list[Sized]) -> None:
        for item in taken:
            shutil.rmtree(_aside(self._place(item.garbage)), ignore_errors=True)

    def _sweep(self) -> None:
        """Remove what a daemon that died has left out of sight."""
        patterns = (f"artifacts/sha256/*/.*{_SUFFIX}", f"bundles/*/*/.*{_SUFFIX}", f"bundles/*/*/*/.*{_SUFFIX}")
        for pattern in patterns:
            for path in self.home.root.glob(pattern):
                shutil.rmtree(path, ignore_errors=True)


def _aside(place: Path) -> Path:
    return place.with_name(f".{place.name}{_SUFFIX}")
