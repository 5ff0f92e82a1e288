"""The tables of control.db. Migrations are append-only: one that was ever released is never edited."""

import secrets
import sqlite3
from collections.abc import Callable
from pathlib import Path

from tunewright.daemon.store.migrations.alerting import add_alerting
from tunewright.daemon.store.migrations.binding import add_binding
from tunewright.daemon.store.migrations.counting import add_counting
from tunewright.daemon.store.migrations.keeping import add_keeping
from tunewright.daemon.store.migrations.machine import add_machine
from tunewright.daemon.store.migrations.paging import add_paging
from tunewright.daemon.store.migrations.projects import add_projects
from tunewright.daemon.store.migrations.queueing import add_queueing
from tunewright.daemon.store.migrations.supervision import add_supervision

APPLICATION_ID = 0x54756E65

_FIRST = """
CREATE TABLE store (
  id TEXT PRIMARY KEY
) STRICT;

CREATE TABLE runs (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  spec_name TEXT NOT NULL,
  spec_path TEXT NOT NULL,
  base_directory TEXT NOT NULL,
  spec_text TEXT NOT NULL,
  profile TEXT NOT NULL,
  sets TEXT NOT NULL,
  plan TEXT NOT NULL,
  plan_digest TEXT NOT NULL,
  request_id TEXT UNIQUE,
  request_digest TEXT NOT NULL,
  retry_of TEXT REFERENCES runs (id),
  state TEXT NOT NULL,
  version INTEGER NOT NULL DEFAULT 1,
  cancel_mode TEXT,
  cancel_reason TEXT NOT NULL DEFAULT '',
  failure TEXT,
  last_sequence INTEGER NOT NULL DEFAULT 0,
  create_time INTEGER NOT NULL,
  start_time INTEGER,
  end_time INTEGER
) STRICT;
CREATE INDEX runs_by_name ON runs (spec_name, number);
CREATE INDEX runs_active ON runs (state) WHERE state NOT IN ('succeeded', 'failed', 'cancelled');

CREATE TABLE steps (
  run TEXT NOT NULL REFERENCES runs (id),
  name TEXT NOT NULL,
  position INTEGER NOT NULL,
  verb TEXT NOT NULL,
  kind TEXT NOT NULL,
  summary TEXT NOT NULL,
  needs TEXT NOT NULL,
  digest TEXT NOT NULL,
  service INTEGER NOT NULL,
  retries INTEGER NOT NULL,
  action TEXT NOT NULL,
  because TEXT NOT NULL,
  state TEXT NOT NULL,
  attempt INTEGER NOT NULL DEFAULT 0,
  artifact TEXT,
  reused_from TEXT,
  failure TEXT,
  verdict TEXT,
  address TEXT,
  not_before INTEGER,
  start_time INTEGER,
  end_time INTEGER,
  PRIMARY KEY (run, name)
) STRICT;
CREATE INDEX steps_active ON steps (state) WHERE state IN ('starting', 'running', 'cancelling');

CREATE TABLE attempts (
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  number INTEGER NOT NULL,
  events_offset INTEGER NOT NULL DEFAULT 0,
  events_sequence INTEGER NOT NULL DEFAULT 0,
  role TEXT,
  address TEXT,
  outcome TEXT,
  start_time INTEGER NOT NULL,
  end_time INTEGER,
  PRIMARY KEY (run, step, number),
  FOREIGN KEY (run, step) REFERENCES steps (run, name)
) STRICT;

CREATE TABLE events (
  run TEXT NOT NULL REFERENCES runs (id),
  sequence INTEGER NOT NULL,
  time INTEGER NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  kind TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (run, sequence)
) STRICT, WITHOUT ROWID;

CREATE TABLE artifacts (
  id INTEGER PRIMARY KEY,
  digest TEXT NOT NULL,
  step_digest TEXT NOT NULL,
  role TEXT NOT NULL,
  kind TEXT NOT NULL,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  spec_name TEXT NOT NULL,
  size_bytes INTEGER NOT NULL,
  file_count INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  UNIQUE (run, step),
  FOREIGN KEY (run, step) REFERENCES steps (run, name)
) STRICT;
CREATE INDEX artifacts_by_step_digest ON artifacts (step_digest, id);
CREATE INDEX artifacts_by_digest ON artifacts (digest, id);

CREATE TABLE verdicts (
  id INTEGER PRIMARY KEY,
  step_digest TEXT NOT NULL,
  run TEXT NOT NULL REFERENCES runs (id),
  step TEXT NOT NULL,
  verdict TEXT NOT NULL,
  create_time INTEGER NOT NULL
) STRICT;
CREATE INDEX verdicts_by_step_digest ON verdicts (step_digest, id);

CREATE TABLE deployments (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL,
  revision INTEGER NOT NULL,
  spec_name TEXT NOT NULL,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  step_digest TEXT NOT NULL,
  state TEXT NOT NULL,
  stop_mode TEXT,
  address TEXT NOT NULL,
  failure TEXT,
  create_time INTEGER NOT NULL,
  end_time INTEGER,
  UNIQUE (name, revision),
  FOREIGN KEY (run, step, attempt) REFERENCES attempts (run, step, number)
) STRICT;
CREATE UNIQUE INDEX one_revision_at_a_time ON deployments (name) WHERE state IN ('live', 'stopping');

CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_are_never_removed BEFORE DELETE ON events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END;
CREATE TRIGGER events_have_no_gaps BEFORE INSERT ON events
WHEN NEW.sequence <> (SELECT last_sequence FROM runs WHERE id = NEW.run)
BEGIN SELECT RAISE(ABORT, 'an event must take the next sequence of its run'); END;
CREATE TRIGGER sequences_grow_by_one BEFORE UPDATE OF last_sequence ON runs
WHEN NEW.last_sequence <> OLD.last_sequence + 1
BEGIN SELECT RAISE(ABORT, 'sequences grow by one'); END;
CREATE TRIGGER ended_runs_stay_ended BEFORE UPDATE OF state ON runs
WHEN OLD.state IN ('succeeded', 'failed', 'cancelled') AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'the run has ended'); END;
CREATE TRIGGER ended_steps_stay_ended BEFORE UPDATE OF state ON steps
WHEN OLD.state IN ('succeeded', 'reused', 'failed', 'cancelled', 'skipped') AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'the step has ended'); END;
CREATE TRIGGER ended_deployments_stay_ended BEFORE UPDATE OF state ON deployments
WHEN OLD.state IN ('stopped', 'failed') AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'the deployment has ended'); END;
"""


class SchemaError(RuntimeError):
    """The file is not a store, or is one of a later version."""


def _create(connection: sqlite3.Connection) -> None:
    for statement in _statements(_FIRST):
        connection.execute(statement)
    connection.execute("INSERT INTO store (id) VALUES (?)", (secrets.token_hex(8),))


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _create,
    add_projects,
    add_supervision,
    add_keeping,
    add_machine,
    add_counting,
    add_binding,
    add_alerting,
    add_queueing,
    add_paging,
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the store to this version, one transaction a migration; raise SchemaError for one we must not touch.

    What it was before is kept beside it: an older Tunewright can go on with that copy, never with the store itself.
    """
    application, version = _pragma(connection, "application_id"), _pragma(connection, "user_version")
    if (application, version) != (0, 0) and application != APPLICATION_ID:
        raise SchemaError("this file is not a Tunewright store")
    if version > len(MIGRATIONS):
        message = (
            f"the store has version {version}; this build knows {len(MIGRATIONS)}: use a newer Tunewright, or put back"
            f" the copy that was kept before the upgrade (control.db.version-{len(MIGRATIONS)}, if it is there)"
        )
        raise SchemaError(message)
    if 0 < version < len(MIGRATIONS):
        _keep_copy(connection, version)
    for number, migration in enumerate(MIGRATIONS[version:], start=version + 1):
        connection.execute("BEGIN IMMEDIATE")
        try:
            migration(connection)
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            connection.execute(f"PRAGMA user_version = {number}")
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _keep_copy(connection: sqlite3.Connection, version: int) -> None:
    """Killed half-way, it is made anew: the copy has its name only when it is whole."""
    (path,) = [Path(row[2]) for row in connection.execute("PRAGMA database_list") if row[1] == "main"]
    copy = path.with_name(f"{path.name}.version-{version}")
    partial = copy.with_name(f"{copy.name}.partial")
    if path.name and not copy.exists():
        partial.unlink(missing_ok=True)
        connection.execute("VACUUM INTO ?", (str(partial),))
        partial.rename(copy)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    return int(connection.execute(f"PRAGMA {name}").fetchone()[0])


def _statements(script: str) -> list[str]:
    """`executescript` would commit the open transaction, so statements are told apart here."""
    statements, current = [], ""
    for line in script.splitlines(keepends=True):
        current += line
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements
