"""Points of training in a store of their own: many, cheap to write, and made anew from the runners' files when lost.

The log of a run keeps a few of them a second, so that who watches sees how it goes; here are all. Nothing else rests on
this store: it is written without waiting for the disk, and what is wrong with it is mended by beginning anew.
"""

import logging
import sqlite3
import threading
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tunewright.daemon.clock import Milliseconds, parse_time
from tunewright.daemon.engine.journal import storable
from tunewright.daemon.store.conditions import Conditions
from tunewright.daemon.supervise import read_events
from tunewright.spec.canonical import canonical_json

_log = logging.getLogger(__name__)

_VERSION = 1
_PAGE = 2000
_TABLES = f"""
CREATE TABLE points (
  id INTEGER PRIMARY KEY,
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  position INTEGER NOT NULL,
  time INTEGER NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (run, step, attempt, position)
) STRICT;
CREATE TABLE readings (
  run TEXT NOT NULL,
  step TEXT NOT NULL,
  attempt INTEGER NOT NULL,
  offset INTEGER NOT NULL,
  position INTEGER NOT NULL,
  PRIMARY KEY (run, step, attempt)
) STRICT, WITHOUT ROWID;
PRAGMA user_version = {_VERSION};
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What a training said of itself at one moment; `position` is the runner's count of its events, `body` JSON."""

    id: int
    step: str
    attempt: int
    position: int
    time: Milliseconds
    body: str


class PointStore:
    """Owns `metrics.db`. Every method may be called from any thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._guard = threading.Lock()
        self._connection = self._opened()

    def catch_up(self, run: str, step: str, attempt: int, bundle: Path) -> None:
        """Bring an attempt's points up to what its runner has written; what the disk does to them is only logged."""
        with self._guard:
            try:
                while self._read_on((run, step, attempt), bundle):
                    pass
            except sqlite3.Error as error:
                # All of it stands in the runner's file: the next call, or a new store, reads it.
                _log.warning("points of %s/%s/%s are not stored: %s", run, step, attempt, error)
                with suppress(sqlite3.Error):
                    self._connection.rollback()
                if not isinstance(error, sqlite3.OperationalError):
                    self._connection = self._begun_anew()

    def page(self, run: str, *, step: str, after: int, limit: int) -> list[Point]:
        """Return at most `limit` points of a run (of a step, if one is named), in the order of their storing.

        Raises sqlite3.DatabaseError where the file is damaged.
        """
        where = Conditions().add("run = ?", run).equal(step=step).add("id > ?", after)
        query = f"SELECT id, step, attempt, position, time, body FROM points WHERE {where.text} ORDER BY id LIMIT ?"  # noqa: S608
        with self._guard:
            return [Point(**dict(row)) for row in self._connection.execute(query, (*where.values, limit)).fetchall()]

    def newest(self, run: str, step: str, attempt: int, limit: int) -> list[str]:
        """Return the bodies of the newest points of an attempt, the newest first; none where they can't be read."""
        query = "SELECT body FROM points WHERE run = ? AND step = ? AND attempt = ? ORDER BY position DESC LIMIT ?"
        with self._guard, suppress(sqlite3.Error):
            return [row["body"] for row in self._connection.execute(query, (run, step, attempt, limit))]
        return []

    def begin_anew(self) -> None:
        """Give up what is there: it can't be read."""
        with self._guard:
            self._connection.close()
            self._connection = self._begun_anew()

    def close(self) -> None:
        """Close the store."""
        with self._guard:
            self._connection.close()

    def _read_on(self, key: tuple[str, str, int], bundle: Path) -> bool:
        query = "SELECT offset, position FROM readings WHERE run = ? AND step = ? AND attempt = ?"
        row = self._connection.execute(query, key).fetchone()
        offset, position = (0, 0) if row is None else (row["offset"], row["position"])
        events, reached = read_events(bundle, offset, _PAGE, after_sequence=position)
        if reached == offset:
            return False
        points = [
            (*key, event.seq, parse_time(event.time, 0), canonical_json(storable(event.fields)).decode())
            for event in events
            if event.kind == "metric"
        ]
        with self._connection:
            self._connection.executemany(
                "INSERT INTO points (run, step, attempt, position, time, body) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                points,
            )
            self._connection.execute(
                "INSERT INTO readings VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT DO UPDATE SET offset = excluded.offset, position = excluded.position",
                (*key, reached, max([position, *(event.seq for event in events)])),
            )
        return True

    def _opened(self) -> sqlite3.Connection:
        try:
            connection = self._connected()
            (version,) = connection.execute("PRAGMA user_version").fetchone()
        except sqlite3.DatabaseError:
            return self._begun_anew()
        if version == _VERSION:
            return connection
        connection.close()
        return self._begun_anew()

    def _begun_anew(self) -> sqlite3.Connection:
        for suffix in ("", "-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        connection = self._connected()
        connection.executescript(_TABLES)
        return connection

    def _connected(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection
