"""Version 4: requests that make no run are remembered too; what somebody holds is never collected, and what was
collected is written down.
"""

import sqlite3

_STATEMENTS = (
    """CREATE TABLE requests (
  project TEXT NOT NULL,
  id TEXT NOT NULL,
  digest TEXT NOT NULL,
  subject TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  PRIMARY KEY (project, id)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE holds (
  id INTEGER PRIMARY KEY,
  subject TEXT NOT NULL,
  project TEXT NOT NULL,
  reason TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  release_time INTEGER,
  released_by TEXT NOT NULL DEFAULT '',
  release_reason TEXT NOT NULL DEFAULT ''
) STRICT""",
    "CREATE UNIQUE INDEX one_hold_at_a_time ON holds (subject) WHERE release_time IS NULL",
    """CREATE TABLE collected (
  id INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  project TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  reason TEXT NOT NULL,
  time INTEGER NOT NULL,
  actor TEXT NOT NULL
) STRICT""",
    "CREATE INDEX collected_by_subject ON collected (subject, kind)",
    """CREATE TRIGGER holds_are_never_removed BEFORE DELETE ON holds
BEGIN SELECT RAISE(ABORT, 'holds are released, not removed'); END""",
    """CREATE TRIGGER holds_stay_released BEFORE UPDATE ON holds
WHEN OLD.release_time IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'the hold was released'); END""",
    """CREATE TRIGGER collected_is_never_changed BEFORE UPDATE ON collected
BEGIN SELECT RAISE(ABORT, 'what was collected is append-only'); END""",
    """CREATE TRIGGER collected_is_never_removed BEFORE DELETE ON collected
BEGIN SELECT RAISE(ABORT, 'what was collected is append-only'); END""",
)


def add_keeping(connection: sqlite3.Connection) -> None:
    """Bring a store of version 3 to version 4."""
    for statement in _STATEMENTS:
        connection.execute(statement)
