"""The one way in which a run changes: transition, then state, log and what belongs to them in one transaction."""

import logging
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from tunewright.daemon.clock import Clock
from tunewright.daemon.engine.states import STEP_ENDED, Entry, RunRecord, StepEvent
from tunewright.daemon.engine.transitions import run_transition
from tunewright.daemon.log.context import working_for
from tunewright.daemon.measures import NO_MEASURES, Measures
from tunewright.daemon.store import runs
from tunewright.daemon.store.database import Database
from tunewright.daemon.traces.tracer import NO_TRACES, Tracer

_log = logging.getLogger(__name__)


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

    def also(self, run: RunRecord, event: StepEvent) -> Callable[[sqlite3.Connection], None]:
        """Return what writes an event about all of a run, to be called in the transaction of something else.

        It raises StaleError when the run has changed since it was read.
        """
        now = self.clock.now()
        after, entries = run_transition(run, None, event, now)

        def write(connection: sqlite3.Connection) -> None:
            if after != run or entries:
                runs.save(connection, run, after, entries, now)

        return write

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
        now = self.clock.now()
        after, entries = run_transition(run, step, event, now)
        if after == run and not entries:
            if note is not None:
                await self.database.write(note)
            return run

        def write(connection: sqlite3.Connection) -> None:
            if note is not None:
                note(connection)
            runs.save(connection, run, after, entries, now)
            if also is not None:
                also(connection, after)

        await self.database.write(write)
        self._measure(run, after)
        self.tracer.changed(self.database.read, run, after)
        _tell(after, entries)
        return replace(after, version=run.version + 1)

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
