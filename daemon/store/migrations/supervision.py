"""Version 3: how often an attempt was launched outlives the daemon; services are restarted, and have their ports to
themselves.
"""

import sqlite3

_STATEMENTS = (
    "ALTER TABLE attempts ADD COLUMN launches INTEGER NOT NULL DEFAULT 1",
    "ALTER TABLE deployments ADD COLUMN restarts INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE deployments ADD COLUMN not_before INTEGER",
    "ALTER TABLE deployments ADD COLUMN ready_time INTEGER",
    "DROP INDEX one_revision_at_a_time",
    "CREATE UNIQUE INDEX one_revision_at_a_time ON deployments (name)"
    " WHERE state IN ('live', 'restarting', 'stopping')",
    """CREATE TABLE port_leases (
  port INTEGER PRIMARY KEY,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  FOREIGN KEY (run, step) REFERENCES steps (run, name)
) STRICT""",
)


def add_supervision(connection: sqlite3.Connection) -> None:
    """Change the tables of version 2."""
    for statement in _STATEMENTS:
        connection.execute(statement)
