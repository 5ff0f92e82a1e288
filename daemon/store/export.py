"""The whole store as JSON lines, for people and programs that don't speak SQLite. Reads while a daemon writes."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any


class ExportError(RuntimeError):
    """The store can't be exported; the message says why."""


def export_tables(database: Path, folder: Path) -> dict[str, int]:
    """Write each table of a store to `folder`/TABLE.jsonl and return how many rows each had; raise ExportError.

    The tables are read in one transaction, so that they fit each other.
    """
    from sqlite_utils import Database

    if not database.is_file():
        raise ExportError(f"there is no store at {database}: nothing was ever run there")
    folder.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, isolation_level=None)
    try:
        store = Database(connection)
        connection.execute("BEGIN")
        return {name: _write(store.table(name).rows, folder / f"{name}.jsonl") for name in sorted(store.table_names())}
    except sqlite3.Error as error:
        raise ExportError(f"the store at {database} can't be read: {error}") from error
    finally:
        connection.close()


def _write(rows: Iterable[Mapping[str, Any]], path: Path) -> int:
    count = 0
    with path.open("w", encoding="utf-8") as stream:
        for row in rows:
            stream.write(json.dumps(row, ensure_ascii=False, default=_as_text) + "\n")
            count += 1
    return count


def _as_text(value: object) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
