"""Version 10: a run's log takes a page of events at once. The run's row, which holds its plan, was written again for
every event; now it is written once for a page, and the events themselves show that there are no gaps.
"""

import sqlite3

_STATEMENTS = (
    "DROP TRIGGER events_have_no_gaps",
    "DROP TRIGGER sequences_grow_by_one",
    """CREATE TRIGGER events_have_no_gaps BEFORE INSERT ON events
WHEN NEW.sequence <> (SELECT coalesce(max(sequence), 0) + 1 FROM events WHERE run = NEW.run)
BEGIN SELECT RAISE(ABORT, 'an event must take the next sequence of its run'); END""",
    """CREATE TRIGGER last_sequence_is_of_the_newest BEFORE UPDATE OF last_sequence ON runs
WHEN NEW.last_sequence <> (SELECT coalesce(max(sequence), 0) FROM events WHERE run = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the last sequence must be that of the newest event'); END""",
)


def add_paging(connection: sqlite3.Connection) -> None:
    """Bring a store of version 9 to version 10."""
    for statement in _STATEMENTS:
        connection.execute(statement)
