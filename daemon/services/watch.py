"""Follow a run's log: replay from the store, then wait for commits. A follower that does not read costs one waiting
coroutine.
"""

import sqlite3
from collections.abc import AsyncIterator, Sequence

from tunewright.daemon.changes import Changes
from tunewright.daemon.engine.states import RUN_ENDED
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.store import events, runs
from tunewright.daemon.store.events import StoredEvent

PAGE = 100
HEARTBEAT_SECONDS = 5.0


async def follow(
    connection: sqlite3.Connection, changes: Changes, run: str, after: int
) -> AsyncIterator[tuple[Sequence[StoredEvent], int]]:
    """Yield pages of the log after a sequence, with the sequence reached; an empty page is a heartbeat.

    Ends after the last event of a run that has ended; raises RefusedError (GOING_AWAY) when the daemon stops.
    """
    with changes.followers.one() as follower:
        while True:
            change = changes.next()
            found = events.page(connection, run, after, PAGE)
            if found:
                after = found[-1].sequence
                follower.hand()
                yield found, after
                follower.taken()
                continue
            state = runs.state(connection, run)
            if state is None or (state[0] in RUN_ENDED and state[1] == after):
                return
            if changes.draining:
                message = f"the daemon is going away; watch again after sequence {after}"
                raise RefusedError("GOING_AWAY", message, last_sequence=str(after))
            if not await changes.rung(change, HEARTBEAT_SECONDS):
                yield (), after
