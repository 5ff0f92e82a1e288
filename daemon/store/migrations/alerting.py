"""Alerts: what an event may be told of, what is told to whom, and conditions that hold."""

import sqlite3

_STATEMENTS = (
    # Whether figures of a run are looked at at all: asked with every event, so it lies where events are counted.
    "ALTER TABLE runs ADD COLUMN watched INTEGER NOT NULL DEFAULT 0",
    """CREATE TABLE alert_triggers (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  run TEXT NOT NULL,
  sequence INTEGER NOT NULL,
  FOREIGN KEY (run, sequence) REFERENCES events (run, sequence)
) STRICT""",
    """CREATE TABLE alert_conditions (
  run TEXT NOT NULL REFERENCES runs (id),
  rule TEXT NOT NULL,
  figures TEXT NOT NULL,
  holds INTEGER NOT NULL,
  PRIMARY KEY (run, rule)
) STRICT, WITHOUT ROWID""",
    """CREATE TABLE alerts (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  sink TEXT NOT NULL,
  project TEXT NOT NULL,
  spec_name TEXT NOT NULL,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  sequence INTEGER NOT NULL,
  kind TEXT NOT NULL,
  severity TEXT NOT NULL,
  rule TEXT NOT NULL,
  message TEXT NOT NULL,
  reason TEXT NOT NULL,
  help TEXT NOT NULL,
  fold TEXT NOT NULL,
  tally TEXT NOT NULL,
  body TEXT,
  state TEXT NOT NULL,
  tries INTEGER NOT NULL DEFAULT 0,
  problem TEXT NOT NULL DEFAULT '',
  not_before INTEGER NOT NULL,
  create_time INTEGER NOT NULL,
  last_time INTEGER NOT NULL,
  end_time INTEGER
) STRICT""",
    "CREATE INDEX alerts_pending ON alerts (sink, number, not_before) WHERE state = 'pending'",
    "CREATE INDEX alerts_by_fold ON alerts (sink, fold, number)",
    "CREATE INDEX alerts_by_time ON alerts (sink, create_time)",
    """CREATE TRIGGER delivered_alerts_stay_delivered BEFORE UPDATE OF state ON alerts
WHEN OLD.state = 'delivered' AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'the alert was delivered'); END""",
)


def add_alerting(connection: sqlite3.Connection) -> None:
    """Add the tables of alerts."""
    for statement in _STATEMENTS:
        connection.execute(statement)
