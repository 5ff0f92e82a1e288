"""The store keeps its promises by itself: append-only, gapless, ended is ended; and it survives a full disk."""

import asyncio
import json
import sqlite3
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from harness.daemons import Daemon
from harness.plans import a_plan, a_step, write
from harness.records import SUBMISSION, a_run, using

from tunewright.client.errors import RefusedError
from tunewright.daemon.engine.states import Entry, RunState
from tunewright.daemon.store import events, request_ids, runs, schema
from tunewright.daemon.store.database import Database, StaleError, StorageFullError
from tunewright.daemon.store.export import ExportError, export_tables


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with one run in it."""

    async def work(database: Database) -> None:
        await database.write(lambda c: runs.insert(c, a_run(), SUBMISSION, Entry(kind="run_created", body={"n": 1})))

    using(tmp_path / "control.db", work)
    return tmp_path / "control.db"


def test_record_comes_back_as_it_went_in(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.row_factory = sqlite3.Row
        assert runs.get(connection, "r1") == replace(a_run(), last_sequence=1)
        (event,) = events.page(connection, "r1", 0, 10)
        assert (event.sequence, event.kind, event.body, event.time) == (1, "run_created", '{"n":1}', 5)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET kind = 'x'",
        "DELETE FROM events",
        "INSERT INTO events VALUES ('r1', 3, 0, '', 0, 'x', '{}', '')",
        "INSERT INTO events VALUES ('r1', 1, 0, '', 0, 'x', '{}', '')",
        "UPDATE runs SET last_sequence = 5",
        "UPDATE runs SET last_sequence = 0",
        "UPDATE runs SET plan_digest = NULL",
        "INSERT INTO attempts (run, step, number, start_time) VALUES ('r1', 'nope', 1, 0)",
    ],
)
def test_history_can_not_be_rewritten(path: Path, statement: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA foreign_keys = ON")
        with pytest.raises(sqlite3.IntegrityError):
            connection.execute(statement)


@pytest.mark.parametrize("count", [0, 1, 127, 300])
def test_many_entries_enter_the_log_in_their_order(path: Path, count: int) -> None:
    lines = [events.line(Entry(kind="alert" if n % 100 == 99 else "progress", body={"n": n}), n) for n in range(count)]

    async def work(database: Database) -> None:
        assert await database.write(lambda c: events.append_all(c, "r1", lines)) == count + 1
        found = runs.get(database.read, "r1")
        assert found is not None
        assert found.last_sequence == count + 1
        stored = events.page(database.read, "r1", 1, 1000)
        assert [event.sequence for event in stored] == list(range(2, count + 2))
        assert [(event.time, event.body) for event in stored] == [(line.time, line.body) for line in lines]
        told = [row[0] for row in database.read.execute("SELECT sequence FROM alert_triggers ORDER BY sequence")]
        assert told == [event.sequence for event in stored if event.kind == "alert"]

    using(path, work)


@pytest.mark.parametrize("table", ["runs", "steps"])
def test_what_has_ended_stays_ended(path: Path, table: str) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE {table} SET state = 'failed'")
        with pytest.raises(sqlite3.IntegrityError, match="has ended"):
            connection.execute(f"UPDATE {table} SET state = 'running'")


def test_write_from_an_old_version_is_stale_and_leaves_nothing(path: Path) -> None:
    async def work(database: Database) -> int:
        before = runs.get(database.read, "r1")
        assert before is not None
        after = replace(before, state=RunState.RUNNING)
        await database.write(lambda c: runs.save(c, before, after, (Entry(kind="run_started"),), 6))
        with pytest.raises(StaleError):
            await database.write(lambda c: runs.save(c, before, after, (Entry(kind="run_started"),), 7))
        return len(events.page(database.read, "r1", 0, 10))

    assert using(path, work) == 2


def test_one_bad_write_of_a_group_undoes_only_itself(path: Path) -> None:
    def fail(connection: sqlite3.Connection) -> None:
        events.append(connection, "r1", Entry(kind="never"), 0)
        raise KeyError("mine")

    async def work(database: Database) -> list[str]:
        writes = [
            database.write(lambda c: events.append(c, "r1", Entry(kind="a"), 0)),
            database.write(fail),
            database.write(lambda c: events.append(c, "r1", Entry(kind="b"), 0)),
        ]
        answers = await asyncio.gather(*writes, return_exceptions=True)
        assert isinstance(answers[1], KeyError)
        assert (answers[0], answers[2]) == (2, 3)
        return [event.kind for event in events.page(database.read, "r1", 1, 10)]

    assert using(path, work) == ["a", "b"]


def test_full_disk_refuses_and_comes_back(path: Path) -> None:
    async def work(database: Database) -> int:
        entry = Entry(kind="big", body={"text": "x" * 5000})
        pages = database.read.execute("PRAGMA page_count").fetchone()[0]
        await database.write(lambda c: c.execute(f"PRAGMA max_page_count = {pages + 3}").fetchone())

        async def append_many() -> None:
            for _ in range(10):
                await database.write(lambda c: events.append(c, "r1", entry, 0))

        with pytest.raises(StorageFullError):
            await append_many()
        before = runs.get(database.read, "r1")
        assert before is not None
        await database.write(lambda c: c.execute("PRAGMA max_page_count = 100000").fetchone())
        sequence = await database.write(lambda c: events.append(c, "r1", entry, 0))
        assert sequence == before.last_sequence + 1
        return len(events.page(database.read, "r1", 0, 100)) - sequence

    assert using(path, work) == 0


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if mount.returncode:
        pytest.skip("may not mount here")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(path: Path) -> None:
    """Write until the disk is full."""
    with path.open("wb", buffering=0) as stream:
        while True:
            stream.write(bytes(4096))


def test_daemon_on_a_full_disk_says_so_and_recovers(small_disk: Path) -> None:
    daemon = Daemon(small_disk / "h")
    try:
        daemon.start()
        ballast = small_disk / "ballast"
        with pytest.raises(OSError, match="No space left"):
            fill(ballast)
        plan = a_plan(a_step("one", [write("f", "x" * 20_000)]))
        with pytest.raises(RefusedError) as caught:
            [daemon.submit(plan, request_id=str(number)) for number in range(50)]
        assert (caught.value.code, caught.value.reason) == ("resource_exhausted", "DISK_FULL")
        ballast.unlink()
        assert daemon.finish(daemon.submit(plan, request_id="after").run.id).state == "succeeded"
    finally:
        daemon.clean_up()


def test_step_that_finds_no_room_fails_with_the_reason(small_disk: Path, tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "h")
    daemon.home.mkdir()
    (daemon.home / "bundles").symlink_to(small_disk)
    with pytest.raises(OSError, match="No space left"):
        fill(small_disk / "ballast")
    try:
        run = daemon.start().finish(daemon.submit(a_plan(a_step("one", [write("f", "x")]))).run.id)
        assert run.failure is not None
        assert run.failure.reason == "DISK_FULL"
        assert "No space left" in run.failure.message
        (small_disk / "ballast").unlink()
        again = daemon.finish(daemon.client.retry(run.id).id)
        assert again.state == "succeeded", "bundles may lie on a disk of their own"
        assert daemon.client.get_artifact(again.step("one").artifact).intact
    finally:
        daemon.clean_up()


def test_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    foreign = tmp_path / "control.db"
    with sqlite3.connect(foreign) as connection:
        connection.execute("PRAGMA user_version = 3")
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(schema.SchemaError, match="not a Tunewright store"):
        Database(foreign)


def test_store_of_a_later_version_is_refused(path: Path) -> None:
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(schema.SchemaError, match="use a newer Tunewright"):
        Database(path)


def test_durability_is_what_we_ask_for(path: Path) -> None:
    async def work(database: Database) -> list[int | str]:
        def ask(connection: sqlite3.Connection) -> list[int | str]:
            names = ("journal_mode", "synchronous", "foreign_keys", "application_id")
            return [connection.execute(f"PRAGMA {name}").fetchone()[0] for name in names]

        return await database.write(ask)

    assert using(path, work) == ["wal", 2, 1, schema.APPLICATION_ID]


def test_damaged_store_is_refused_with_a_sentence(tmp_path: Path) -> None:
    daemon = Daemon(tmp_path / "h")
    daemon.home.mkdir()
    (daemon.home / "control.db").write_bytes(b"SQLite format 3\0" + bytes(range(256)) * 64)
    assert daemon.start().wait() == 3
    assert f"the store {daemon.home / 'control.db'} can't be opened" in daemon.log
    assert "Traceback" not in daemon.log


def test_store_is_exported_table_by_table(path: Path, tmp_path: Path) -> None:
    counts = export_tables(path, tmp_path / "out")

    assert counts["runs"] == 1
    assert counts["events"] == 1
    (row,) = [json.loads(line) for line in (tmp_path / "out" / "runs.jsonl").read_text(encoding="utf-8").splitlines()]
    assert (row["id"], row["spec_path"], row["state"]) == ("r1", "life.yaml", "queued")


def test_export_without_a_store_says_so(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="nothing was ever run"):
        export_tables(tmp_path / "control.db", tmp_path / "out")


def test_store_of_the_first_version_is_brought_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path, isolation_level=None)
    with monkeypatch.context() as then:
        then.setattr(schema, "MIGRATIONS", schema.MIGRATIONS[:1])
        schema.migrate(connection)
    connection.execute(
        "INSERT INTO runs (id, spec_name, spec_path, base_directory, spec_text, profile, sets, plan, plan_digest,"
        " request_id, request_digest, state, create_time)"
        " VALUES ('old', 's', 'p', '/', '', '', '[]', '{}', 'd', 'asked', 'rd', 'queued', 1)"
    )
    connection.close()

    async def work(database: Database) -> tuple[str, str]:
        found = request_ids.find(database.read, "default", "asked")
        assert found is not None
        assert request_ids.find(database.read, "another", "asked") is None
        run = runs.get(database.read, found.subject.removeprefix("runs/"))
        assert run is not None
        return run.id, run.project

    assert using(path, work) == ("old", "default")
