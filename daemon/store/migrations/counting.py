"""Version 6: what is counted at every scrape is counted in indexes, not in rows that hold plans."""

import sqlite3

_STATEMENTS = (
    "CREATE INDEX runs_by_state ON runs (state, project, create_time)",
    "CREATE INDEX steps_by_state ON steps (state, kind)",
    "CREATE INDEX attempts_by_outcome ON attempts (outcome) WHERE outcome IS NOT NULL",
)


def add_counting(connection: sqlite3.Connection) -> None:
    """Bring a store of version 5 to version 6."""
    for statement in _STATEMENTS:
        connection.execute(statement)
