"""One SQLite file: one thread that writes, with group commit, and one connection for short reads.

A write is a function of the open connection. Several that wait are committed together; each is undone alone when it
raises. Who waits for an answer gets it while the next group is made durable: the processor would be idle then, and at
any other time the writer and those who go on would take the interpreter from each other.
What can't be told (an I/O error, a corrupt page) ends the process at once: the next start finds the last committed
state.
"""

import asyncio
import contextvars
import logging
import os
import queue
import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from tunewright.daemon.measures import NO_MEASURES, Measures
from tunewright.daemon.store.schema import migrate

_log = logging.getLogger(__name__)
Result = TypeVar("Result")
_Operation = Callable[[sqlite3.Connection], Any]
_Outcome = tuple[asyncio.Future[Any], Any, BaseException | None]

EXIT_STORAGE = 74
#: What every connection to the store is set to.
PRAGMAS = (
    "busy_timeout = 5000",
    "journal_mode = WAL",
    "synchronous = FULL",
    "foreign_keys = ON",
    "trusted_schema = OFF",
    "cell_size_check = ON",
)
_MAX_GROUP = 256
_FULL = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_SHMSIZE})
_BUSY = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_RECOVERY, sqlite3.SQLITE_BUSY_SNAPSHOT})
#: What an operation may do to itself alone: break a rule of the schema. Everything else from SQLite is the file's
#: state.
_OWN_FAULTS = (sqlite3.IntegrityError, sqlite3.ProgrammingError)


class StorageFullError(RuntimeError):
    """The disk is full: nothing was changed; the same write may succeed later."""


class StorageBusyError(RuntimeError):
    """Another process holds the store's lock: nothing was changed."""


class StaleError(RuntimeError):
    """What the write was based on has changed since it was read: read again, decide again."""


class Database:
    """Owns the file. `start` and `write` belong to the event loop's thread; operations run in the writer's."""

    def __init__(self, path: Path, measures: Measures = NO_MEASURES) -> None:
        self._path = path
        self._measures = measures
        self._queue: queue.SimpleQueue[tuple[_Operation, asyncio.Future[Any]] | None] = queue.SimpleQueue()
        self._untold: list[_Outcome] = []
        self._thread = threading.Thread(target=self._write_all, name="store-writer", daemon=True)
        self.read = self._connect()
        migrate(self.read)
        _check(self.read)
        self.store_id: str = self.read.execute("SELECT id FROM store").fetchone()[0]

    def start(self, committed: Callable[[], None]) -> None:
        """Start the writer; `committed` is called in the event loop after every commit."""
        self._loop = asyncio.get_running_loop()
        self._committed = committed
        self._thread.start()

    async def write(self, operation: Callable[[sqlite3.Connection], Result]) -> Result:
        """Return what `operation` returns once its transaction is durable.

        Raises what the operation raises (it alone is undone then) and StorageFullError. The operation must not wait for
        anything.
        """
        future: asyncio.Future[Result] = self._loop.create_future()
        # The writer's thread has no context of its own: who acts must come with the operation.
        context = contextvars.copy_context()
        self._queue.put((lambda connection: context.run(operation, connection), future))
        # A caller that goes away must not take the answer with it: the write happens or not, as a whole.
        return await asyncio.shield(future)

    async def close(self) -> None:
        """Finish what waits, then close."""
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)
        self.read.close()

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        return connection

    def _write_all(self) -> None:
        connection = self._connect()
        while True:
            item = self._queue.get()
            group = []
            while item is not None:
                group.append(item)
                if len(group) == _MAX_GROUP or self._queue.empty():
                    break
                item = self._queue.get()
            if group:
                self._commit_or_crash(connection, group)
            if item is None:
                self._tell()
                connection.close()
                return

    def _commit_or_crash(
        self, connection: sqlite3.Connection, group: list[tuple[_Operation, asyncio.Future[Any]]]
    ) -> None:
        """A writer that dies in silence (no memory, a bug) would leave everybody waiting for ever."""
        try:
            self._commit(connection, group)
        except BaseException as error:
            _crash(error)

    def _commit(self, connection: sqlite3.Connection, group: list[tuple[_Operation, asyncio.Future[Any]]]) -> None:
        outcomes: list[_Outcome] = []
        begun = time.perf_counter()
        try:
            connection.execute("BEGIN IMMEDIATE")
            for operation, future in group:
                outcomes.append((future, *_run_alone(connection, operation)))
            self._tell()
            connection.execute("COMMIT")
        except sqlite3.Error as error:
            refusal = self._refusal(error)
            if refusal is None:
                _crash(error)
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            outcomes = [(future, None, refusal) for _, future in group]
        else:
            self._measures.committed(len(group), time.perf_counter() - begun)
        self._untold += outcomes
        if self._queue.empty():
            self._tell()

    def _tell(self) -> None:
        """Give the answers of what is committed to the loop."""
        if self._untold:
            self._loop.call_soon_threadsafe(self._resolve, self._untold)
            self._untold = []

    def _refusal(self, error: sqlite3.Error) -> StorageFullError | StorageBusyError | None:
        """Return what to tell the callers when it is certain that nothing was changed, None when it is not."""
        code = getattr(error, "sqlite_errorcode", None)
        if code in _FULL:
            return StorageFullError(f"the disk that holds {self._path} is full")
        if code in _BUSY:
            return StorageBusyError(f"another program holds {self._path}")
        return None

    def _resolve(self, outcomes: list[_Outcome]) -> None:
        for future, result, error in outcomes:
            if future.cancelled():
                continue
            if error is None:
                future.set_result(result)
            else:
                future.set_exception(error)
        self._committed()


def _check(connection: sqlite3.Connection) -> None:
    """A damaged page is found now (0.1 s for 80 MB), not when it is written over."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise sqlite3.DatabaseError(found)


def _run_alone(connection: sqlite3.Connection, operation: _Operation) -> tuple[Any, BaseException | None]:
    connection.execute("SAVEPOINT operation")
    try:
        result = operation(connection)
    except sqlite3.Error as error:
        if not isinstance(error, _OWN_FAULTS):
            raise
        return _undone(connection, error)
    except Exception as error:  # the operation's own: who asked for it is told, the others of the group are not touched
        return _undone(connection, error)
    connection.execute("RELEASE operation")
    return result, None


def _undone(connection: sqlite3.Connection, error: Exception) -> tuple[None, Exception]:
    connection.execute("ROLLBACK TO operation")
    connection.execute("RELEASE operation")
    return None, error


def _crash(error: BaseException) -> NoReturn:
    _log.critical("the store can't be written; stopping at once", exc_info=error)
    logging.shutdown()
    os._exit(EXIT_STORAGE)
