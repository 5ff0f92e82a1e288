"""Durable events a second: the store's own write path against plain SQLite with the same tables and group sizes."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from control_plane.stored import BODY, NOW, a_plan, add_runs, opened
from control_plane.table import Row
from control_plane.world import World

from tunewright.daemon.engine.states import Entry
from tunewright.daemon.store import attempts, events
from tunewright.daemon.store.attempts import Progress
from tunewright.daemon.store.database import PRAGMAS, Database
from tunewright.daemon.store.events import Line
from tunewright.spec.canonical import canonical_json

ATTEMPTS, EVENTS_A_LOOK, SECONDS, TURNS = 32, 100, 1.2, 6
PROMISED_SHARE = 0.8
_ADVANCE = (
    "UPDATE attempts SET events_offset = ?, events_sequence = ? WHERE run = ? AND step = ? AND number = ?"
    " AND events_offset = ?"
)
_NEXT = "UPDATE runs SET last_sequence = ? WHERE id = ?"
_APPEND = "INSERT INTO events (run, sequence, time, step, attempt, kind, body, actor) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"


def measure(folder: Path) -> Iterator[Row]:
    """Let many attempts commit their events at once, in turn with the same rows written by hand: once with rows that
    are there already, as the raw side has them, and once with rows that the same process makes meanwhile.
    """
    ours = making = raw = groups = 0.0
    for turn in range(TURNS):
        rate, group = asyncio.run(_ours(_prepared(folder / f"ours-{turn}"), _made()))
        ours, groups = max(ours, rate), groups + group / TURNS
        raw = max(raw, _raw(_prepared(folder / f"raw-{turn}"), max(1, round(group))))
        making = max(making, asyncio.run(_ours(_prepared(folder / f"making-{turn}"), None))[0])
    yield Row(
        what=f"durable events, {ATTEMPTS} attempts at once",
        measured=f"{ours:,.0f}/s ({groups:.0f} attempts a commit)",
        raw=f"{raw:,.0f}/s (plain sqlite3, same groups)",
        ratio=ours / raw,
        promised=f">= {PROMISED_SHARE:.0%} of raw",
        kept=ours >= PROMISED_SHARE * raw,
    )
    yield Row(
        what="the same, each put into its stored form first",
        measured=f"{making:,.0f}/s",
        raw=f"{raw:,.0f}/s (rows that were there)",
        ratio=making / raw,
    )


def _made() -> list[Line]:
    entry = Entry(kind="progress", step="sft", attempt=1, body=BODY)
    return [events.line(entry, NOW) for _ in range(EVENTS_A_LOOK)]


def _prepared(folder: Path) -> Path:
    """Return a new store in which every run has an attempt."""
    world = World(folder=folder)
    world.home.mkdir(parents=True)
    with opened(world) as database:
        for run in add_runs(database, a_plan(), ended=0, open_=ATTEMPTS, entries=0):
            attempts.insert(database.read, run, "sft", 1, NOW)
    return world.home / "control.db"


async def _ours(path: Path, made: list[Line] | None) -> tuple[float, float]:
    """Return events a second through the store, and how many attempts one commit took on average."""
    commits = looks = 0

    def committed() -> None:
        nonlocal commits
        commits += 1

    database = Database(path)
    database.start(committed)
    names = [row["run"] for row in database.read.execute("SELECT run FROM attempts")]
    started = time.perf_counter()

    async def attempt(run: str) -> None:
        nonlocal looks
        while time.perf_counter() - started < SECONDS:
            found = attempts.get(database.read, run, "sft", 1)
            if found is None:
                raise LookupError(run)
            lines = _made() if made is None else made
            reached = found.events_offset + EVENTS_A_LOOK
            read = Progress(lines=lines, offset=reached, sequence=reached, role=None, address=None)
            await database.write(partial(_advance, found, read))
            looks += 1

    await asyncio.gather(*(attempt(run) for run in names))
    seconds = time.perf_counter() - started
    await database.close()
    return looks * EVENTS_A_LOOK / seconds, looks / commits


def _advance(found: attempts.Attempt, read: Progress, connection: sqlite3.Connection) -> None:
    attempts.advance(connection, found, read)


def _raw(path: Path, group: int) -> float:
    """Return events a second of a program that does nothing but write these rows, so many attempts a commit."""
    connection = sqlite3.connect(path, isolation_level=None)
    for pragma in PRAGMAS:
        connection.execute(f"PRAGMA {pragma}")
    runs = [row[0] for row in connection.execute("SELECT run FROM attempts")]
    last: dict[str, int] = dict(connection.execute("SELECT id, last_sequence FROM runs").fetchall())
    body, written, offset, number = canonical_json(BODY).decode(), 0, dict.fromkeys(runs, 0), 0
    started = time.perf_counter()
    while time.perf_counter() - started < SECONDS:
        connection.execute("BEGIN IMMEDIATE")
        for _ in range(group):
            run = runs[number % len(runs)]
            number += 1
            before, offset[run] = offset[run], offset[run] + EVENTS_A_LOOK
            connection.execute(_ADVANCE, (offset[run], offset[run], run, "sft", 1, before))
            for sequence in range(last[run] + 1, last[run] + EVENTS_A_LOOK + 1):
                connection.execute(_APPEND, (run, sequence, NOW, "sft", 1, "progress", body, ""))
            last[run] += EVENTS_A_LOOK
            connection.execute(_NEXT, (last[run], run))
            written += EVENTS_A_LOOK
        connection.execute("COMMIT")
    seconds = time.perf_counter() - started
    connection.close()
    return written / seconds
