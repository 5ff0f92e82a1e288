"""What followers of one log share: one look at the store and one encoding for all of them."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from harness.records import SUBMISSION, a_run, using

from tunewright.daemon.changes import Changes
from tunewright.daemon.engine.states import Entry, RunState
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.services.run_logs import PAGE, RunLogs
from tunewright.daemon.services.watch import follow
from tunewright.daemon.store import events, runs
from tunewright.daemon.store.database import Database
from tunewright.proto.v1 import run_service_pb2 as wire

ENTRY = Entry(kind="phase", body={"name": "one"})


async def filled(database: Database, run: str, count: int) -> None:
    """Store a run with so many events."""
    lines = [events.line(ENTRY, n) for n in range(count - 1)]
    await database.write(lambda c: runs.insert(c, a_run(run), SUBMISSION, ENTRY))
    await database.write(lambda c: events.append_all(c, run, lines))


def sequences(messages: list[bytes]) -> list[int]:
    """Return the sequences of all events of some messages."""
    return [event.sequence for message in messages for event in wire.WatchRunResponse.FromString(message).events]


def test_followers_get_the_very_same_bytes(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        await filled(database, "r1", 2 * PAGE + 7)
        logs, followers = RunLogs(database.read, Changes()), []
        for _ in range(3):
            stream = follow(logs, "r1", 0)
            followers.append([await anext(stream) for _ in range(3)])
        assert sequences(followers[0]) == list(range(1, 2 * PAGE + 8))
        for other in followers[1:]:
            assert all(one is two for one, two in zip(followers[0], other, strict=True))

    using(tmp_path / "control.db", work)


def test_commit_is_looked_at_once_and_wakes_only_those_whom_it_concerns(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        changes = Changes()
        for run in ("r1", "r2"):
            await filled(database, run, 3)
        logs = RunLogs(database.read, changes)
        with logs.follow("r1") as one, logs.follow("r1") as same, logs.follow("r2") as other:
            assert one is same
            asked: list[str] = []
            database.read.set_trace_callback(asked.append)
            grown, untouched = one.next(), other.next()
            await database.write(lambda c: events.append(c, "r1", ENTRY, 9))
            changes.ring()
            assert grown.done()
            assert not untouched.done()
            assert len(asked) == 1, "one question for all logs that are followed"
            assert (one.newest, other.newest) == (4, 3)
        changes.ring()
        assert len(asked) == 1, "and none when nobody follows"

    using(tmp_path / "control.db", work)


def test_part_of_a_page_that_was_sent_does_not_make_the_next_reader_read_in_parts(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        changes = Changes()
        await filled(database, "r1", 1)
        logs = RunLogs(database.read, changes)
        early = follow(logs, "r1", 0)
        assert sequences([await anext(early)]) == [1]
        lines = [events.line(ENTRY, n) for n in range(PAGE + 1)]
        await database.write(lambda c: events.append_all(c, "r1", lines))
        changes.ring()
        assert sequences([await anext(follow(logs, "r1", 0))]) == list(range(1, PAGE + 1))
        assert sequences([await anext(early)]) == list(range(2, PAGE + 2))

    using(tmp_path / "control.db", work)


def test_end_of_a_run_ends_its_followers_and_a_leaving_daemon_tells_the_others(tmp_path: Path) -> None:
    async def work(database: Database) -> None:
        changes = Changes()
        for run in ("r1", "r2"):
            await filled(database, run, 1)
        logs = RunLogs(database.read, changes)

        async def read(run: str) -> list[bytes]:
            return [message async for message in follow(logs, run, 0)]

        ending, staying = asyncio.create_task(read("r1")), asyncio.create_task(read("r2"))
        await asyncio.sleep(0)
        before = runs.get(database.read, "r1")
        assert before is not None
        after = replace(before, state=RunState.CANCELLED)
        await database.write(lambda c: runs.save(c, before, after, (ENTRY,), 6))
        changes.ring()
        assert sequences(await ending) == [1, 2]
        changes.drain()
        with pytest.raises(RefusedError, match="going away"):
            await staying

    using(tmp_path / "control.db", work)
