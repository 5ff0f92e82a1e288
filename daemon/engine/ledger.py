"""The one way in which a run changes: transition, then state, log and what belongs to them in one transaction."""

import logging
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tunewright.daemon.clock import Clock, Milliseconds
from tunewright.daemon.engine.states import STEP_ENDED, Entry, RunRecord, StepEvent
from tunewright.daemon.engine.transitions import run_transition
from tunewright.daemon.log.context import working_for
from tunewright.daemon.measures import NO_MEASURES, Measures
from tunewright.daemon.store import runs
from tunewright.daemon.store.database import Database
from tunewright.daemon.traces.tracer import NO_TRACES, Tracer

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Alteration:
    """What an event makes of a run: its new state and the log entries that tell of it."""

    before: RunRecord
    after: RunRecord
    entries: tuple[Entry, ...]
    now: Milliseconds

    @property
    def is_nothing(self) -> bool:
        """Whether there is nothing to store."""
        return self.after == self.before and not self.entries

    def write(self, connection: sqlite3.Connection) -> None:
        """Store it within a transaction; raise StaleError when the run has changed since it was read."""
        if not self.is_nothing:
            runs.save(connection, self.before, self.after, self.entries, self.now)


@dataclass(frozen=True, slots=True)
class Ledger:
    """Applies events to runs."""

    database: Database
    clock: Clock
    measures: Measures = NO_MEASURES
    tracer: Tracer = NO_TRACES

    def get(self, run: str) -> RunRecord | None:
        """Return a run as it is stored now."""
        return runs.get(self.database.read, run)

    def foresee(self, run: RunRecord, event: StepEvent) -> RunRecord:
        """Return the run as an event about all of it would make it; nothing is stored."""
        after, _ = run_transition(run, None, event, self.clock.now())
        return after

    def change(self, run: RunRecord, step: str | None, event: StepEvent) -> Alteration:
        """Return what an event makes of a run, not stored yet; who stores it says so with `done`."""
        now = self.clock.now()
        after, entries = run_transition(run, step, event, now)
        return Alteration(run, after, entries, now)

    async def apply(
        self,
        run: RunRecord,
        step: str | None,
        event: StepEvent,
        also: Callable[[sqlite3.Connection, RunRecord], None] | None = None,
        note: Callable[[sqlite3.Connection], None] | None = None,
    ) -> RunRecord:
        """Return the run after `event`, durably stored; `also` writes what must be true together with it, `note` what
        is true even where the event changes nothing.

        Raises StaleError when the run has changed since it was read; nothing is stored then.
        """
        change = self.change(run, step, event)
        if change.is_nothing:
            if note is not None:
                await self.database.write(note)
            return run

        def write(connection: sqlite3.Connection) -> None:
            if note is not None:
                note(connection)
            change.write(connection)
            if also is not None:
                also(connection, change.after)

        await self.database.write(write)
        self.done(change)
        return replace(change.after, version=run.version + 1)

    def done(self, change: Alteration) -> None:
        """Count, trace and tell a change that has been stored."""
        if not change.is_nothing:
            self._measure(change.before, change.after)
            self.tracer.changed(self.database.read, change.before, change.after)
            _tell(change.after, change.entries)

    def _measure(self, before: RunRecord, after: RunRecord) -> None:
        for old, new in zip(before.steps, after.steps, strict=True):
            if new.state in STEP_ENDED and old.state not in STEP_ENDED and new.start_time and new.end_time:
                self.measures.step_ended(new.kind, new.state, (new.end_time - new.start_time) / 1000)


def _tell(run: RunRecord, entries: Iterable[Entry]) -> None:
    """What has happened to a run is worth a line each in the daemon's log; all that is known of it is in the run's."""
    for entry in entries:
        with working_for(project=run.project, run=run.id, step=entry.step, attempt=entry.attempt):
            reason = entry.body.get("reason")
            _log.info("%s%s", entry.kind.replace("_", " "), f": {reason}" if reason else "")
