"""Devices and how they are, maintenance, and a log of both that only grows."""

import sqlite3

_STATEMENTS = (
    """CREATE TABLE devices (
  uuid TEXT PRIMARY KEY,
  position INTEGER NOT NULL,
  name TEXT NOT NULL,
  memory_bytes INTEGER NOT NULL,
  parent TEXT,
  state TEXT NOT NULL CHECK (state IN ('free', 'settling', 'foreign', 'quarantined', 'missing')),
  reason TEXT NOT NULL,
  change_time INTEGER NOT NULL,
  idle_bytes INTEGER,
  known_errors INTEGER NOT NULL
) STRICT""",
    """CREATE TABLE maintenance (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  reason TEXT NOT NULL,
  checkpoint INTEGER NOT NULL,
  deadline INTEGER,
  begin_time INTEGER NOT NULL,
  begun_by TEXT NOT NULL
) STRICT""",
    """CREATE TABLE machine_log (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  kind TEXT NOT NULL,
  subject TEXT NOT NULL,
  actor TEXT NOT NULL,
  reason TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT""",
    """CREATE TRIGGER machine_log_is_never_changed BEFORE UPDATE ON machine_log
BEGIN SELECT RAISE(ABORT, 'the log of the machine is append-only'); END""",
    """CREATE TRIGGER machine_log_is_never_removed BEFORE DELETE ON machine_log
BEGIN SELECT RAISE(ABORT, 'the log of the machine is append-only'); END""",
)


def add_machine(connection: sqlite3.Connection) -> None:
    """Add the tables."""
    for statement in _STATEMENTS:
        connection.execute(statement)
