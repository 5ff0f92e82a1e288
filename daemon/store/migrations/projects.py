"""Version 2: every run, and what it leaves behind, belongs to a project; every log entry says who did it; tokens, and
a log of who was let in or kept out.
"""

import sqlite3

_STATEMENTS = (
    "ALTER TABLE runs ADD COLUMN project TEXT NOT NULL DEFAULT 'default'",
    "ALTER TABLE runs ADD COLUMN actor TEXT NOT NULL DEFAULT ''",
    "ALTER TABLE runs ADD COLUMN policy_digest TEXT NOT NULL DEFAULT ''",
    # `request_id` is unique over all projects, and such a column can't be dropped: one project would find out from it
    # what another one has asked for.
    "ALTER TABLE runs ADD COLUMN request TEXT",
    "UPDATE runs SET request = request_id, request_id = NULL WHERE request_id IS NOT NULL",
    "CREATE UNIQUE INDEX runs_by_request ON runs (project, request) WHERE request IS NOT NULL",
    "CREATE INDEX runs_by_project ON runs (project, number)",
    "ALTER TABLE artifacts ADD COLUMN project TEXT NOT NULL DEFAULT 'default'",
    "CREATE INDEX artifacts_by_project ON artifacts (project, id)",
    "ALTER TABLE verdicts ADD COLUMN project TEXT NOT NULL DEFAULT 'default'",
    "ALTER TABLE deployments ADD COLUMN project TEXT NOT NULL DEFAULT 'default'",
    "ALTER TABLE events ADD COLUMN actor TEXT NOT NULL DEFAULT ''",
    """CREATE TABLE tokens (
  id TEXT PRIMARY KEY,
  subject TEXT NOT NULL,
  digest TEXT NOT NULL UNIQUE,
  grants TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  created_by TEXT NOT NULL,
  expire_time INTEGER NOT NULL,
  revoke_time INTEGER,
  revoked_by TEXT NOT NULL DEFAULT ''
) STRICT""",
    """CREATE TABLE blocked (
  subject TEXT PRIMARY KEY,
  reason TEXT NOT NULL,
  create_time INTEGER NOT NULL,
  created_by TEXT NOT NULL
) STRICT""",
    """CREATE TABLE access_log (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  time INTEGER NOT NULL,
  kind TEXT NOT NULL,
  actor TEXT NOT NULL,
  credential TEXT NOT NULL,
  peer TEXT NOT NULL,
  method TEXT NOT NULL,
  reason TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT""",
    """CREATE TRIGGER access_log_is_never_changed BEFORE UPDATE ON access_log
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END""",
    """CREATE TRIGGER access_log_is_never_removed BEFORE DELETE ON access_log
BEGIN SELECT RAISE(ABORT, 'the access log is append-only'); END""",
)


def add_projects(connection: sqlite3.Connection) -> None:
    """Bring a store of version 1 to version 2."""
    for statement in _STATEMENTS:
        connection.execute(statement)
