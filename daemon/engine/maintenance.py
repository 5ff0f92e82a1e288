"""Maintenance mode: nothing begins until somebody says so. What is decided stands in the store alone."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass, field

from tunewright.daemon.actor import ACTOR
from tunewright.daemon.clock import Clock
from tunewright.daemon.store import maintenance
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.maintenance import Maintenance


@dataclass(slots=True, kw_only=True)
class MaintenanceKeeper:
    """Begins and ends maintenance. `changed` are called after each change."""

    database: Database
    clock: Clock
    changed: list[Callable[[], None]] = field(default_factory=list)

    def current(self, connection: sqlite3.Connection | None = None) -> Maintenance | None:
        """Return the maintenance that lasts, None where there is none."""
        return maintenance.current(connection or self.database.read)

    def asks_to_stop(self) -> bool:
        """Answer whether steps that run are asked now to stop at their next checkpoint."""
        lasting = self.current()
        return lasting is not None and lasting.asks(self.clock.now())

    def running(self) -> int:
        """Return how many steps still run; services are not counted: they stay."""
        return len(maintenance.still_running(self.database.read))

    async def begin(self, *, reason: str, checkpoint: bool, deadline_seconds: int) -> Maintenance:
        """Begin maintenance, or change the one that lasts."""
        now = self.clock.now()
        wanted = Maintenance(
            reason=reason,
            checkpoint=checkpoint,
            deadline=now + 1000 * deadline_seconds if deadline_seconds else None,
            begin_time=now,
            begun_by=ACTOR.get(),
        )
        stored = await self.database.write(lambda connection: maintenance.begin(connection, wanted))
        self._tell()
        return stored

    async def end(self) -> bool:
        """End maintenance; answer whether there was one."""
        now = self.clock.now()
        ended = await self.database.write(lambda connection: maintenance.end(connection, now))
        self._tell()
        return ended

    def _tell(self) -> None:
        for told in self.changed:
            told()
