"""A store of every version that there ever was is brought to this one: nothing is lost, the old one is kept beside
it.
"""

import os
import shutil
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from harness.daemons import PACKAGE_ROOT, Daemon, eventually
from harness.plans import a_plan, a_step, write

from tunewright.daemon.store import runs, schema
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.runs import RunFilter

KEPT = sorted(
    (Path(__file__).parent / "data" / "store").glob("version-*.sql"),
    key=lambda path: int(path.stem.removeprefix("version-")),
)
NEWEST = len(schema.MIGRATIONS)


def opened(path: Path) -> sqlite3.Connection:
    return sqlite3.connect(path, isolation_level=None)


def build(kept: Path, path: Path) -> dict[str, int]:
    """Make a store from a kept one; return how many rows each of its tables has."""
    with closing(opened(path)) as connection:
        connection.executescript(kept.read_text(encoding="utf-8"))
        return counts(connection)


def counts(connection: sqlite3.Connection) -> dict[str, int]:
    names = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return {name: connection.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in names}


def tables(connection: sqlite3.Connection) -> list[tuple[str, ...]]:
    query = "SELECT type, name, tbl_name, sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY type, name"
    return [tuple(row) for row in connection.execute(query)]


def test_a_store_of_every_version_is_kept() -> None:
    """Made by scripts/keep_store.py in the change that adds a migration, never changed afterwards."""
    assert {int(path.stem.removeprefix("version-")) for path in KEPT} == set(range(1, NEWEST + 1))


@pytest.mark.parametrize("kept", KEPT, ids=lambda path: path.stem)
def test_kept_store_is_brought_to_this_version(kept: Path, tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    before = build(kept, path)
    with closing(opened(path)) as connection:
        schema.migrate(connection)
        assert connection.execute("PRAGMA user_version").fetchone()[0] == NEWEST
        assert connection.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        assert {name: counts(connection)[name] for name in before} == before
        with closing(opened(tmp_path / "new.db")) as fresh:
            schema.migrate(fresh)
            assert tables(connection) == tables(fresh), "an upgraded store is what a new one is"
        connection.row_factory = sqlite3.Row
        found = runs.page(connection, RunFilter(), before=0, limit=100)
        assert len(found) == before["runs"]
        assert {run.state for _, run in found} >= {"succeeded", "failed", "cancelled", "paused"}
        gaps = "SELECT run FROM events GROUP BY run HAVING count(*) <> max(sequence) OR min(sequence) <> 1"
        assert connection.execute(gaps).fetchall() == []


@pytest.mark.parametrize("kept", KEPT[:-1], ids=lambda path: path.stem)
def test_what_it_was_before_is_kept_beside_it(kept: Path, tmp_path: Path) -> None:
    path, version = tmp_path / "control.db", kept.stem.removeprefix("version-")
    before = build(kept, path)
    with closing(opened(path)) as connection:
        schema.migrate(connection)
    with closing(opened(tmp_path / f"control.db.version-{version}")) as copy:
        assert copy.execute("PRAGMA user_version").fetchone()[0] == int(version)
        assert copy.execute("PRAGMA application_id").fetchone()[0] == schema.APPLICATION_ID
        assert counts(copy) == before


@pytest.mark.parametrize("broken", range(1, NEWEST), ids=lambda number: f"in the step to version {number + 1}")
def test_upgrade_that_is_cut_short_leaves_a_whole_store(
    broken: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "control.db"
    before = build(KEPT[0], path)
    migration = schema.MIGRATIONS[broken]

    def cut_short(connection: sqlite3.Connection) -> None:
        migration(connection)
        raise KeyboardInterrupt

    with monkeypatch.context() as then, closing(opened(path)) as connection:
        then.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:broken], cut_short, *schema.MIGRATIONS[broken + 1 :]))
        with pytest.raises(KeyboardInterrupt):
            schema.migrate(connection)
        assert connection.execute("PRAGMA user_version").fetchone()[0] == broken
        assert {name: counts(connection)[name] for name in before} == before
    with closing(opened(path)) as connection:
        schema.migrate(connection)
        assert connection.execute("PRAGMA user_version").fetchone()[0] == NEWEST


def test_every_table_is_strict(tmp_path: Path) -> None:
    with closing(opened(tmp_path / "control.db")) as connection:
        schema.migrate(connection)
        listed = connection.execute("SELECT name, strict FROM pragma_table_list WHERE schema = 'main'").fetchall()
        loose = [name for name, strict in listed if not strict and not name.startswith("sqlite_")]
        assert loose == []


@pytest.fixture
def upgraded(stopped_daemon: Daemon) -> Daemon:
    """A daemon that was started on the store of the first version."""
    stopped_daemon.home.mkdir()
    build(KEPT[0], stopped_daemon.home / "control.db")
    return stopped_daemon.start()


def test_daemon_goes_on_with_the_store_of_the_first_version(upgraded: Daemon) -> None:
    client = upgraded.client
    good = list(client.list_runs(spec_name="good"))
    assert [run.state for run in good] == ["succeeded", "succeeded"]
    for run in client.list_runs():
        upgraded.events(run.id)
    assert [event.sequence for event in client.watch(good[0].id)] == list(range(1, good[0].last_sequence + 1))
    again = upgraded.finish(client.retry(good[0].id).id)
    assert again.state == "succeeded"
    assert not again.step("sft").reused_from, "its artifacts are not here, so the work is done again"


NEXT_VERSION = """

def _add_what_comes_next(connection: sqlite3.Connection) -> None:
    connection.execute("CREATE TABLE what_comes_next (run TEXT PRIMARY KEY REFERENCES runs (id)) STRICT")


MIGRATIONS = (*MIGRATIONS, _add_what_comes_next)
"""


@pytest.fixture(scope="module")
def next_version(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of a Tunewright that has another number, and tables that this one does not know."""
    package = tmp_path_factory.mktemp("next") / "package"
    shutil.copytree(PACKAGE_ROOT, package, symlinks=False, ignore=shutil.ignore_patterns("__pycache__"))
    tables, front = package / "tunewright" / "daemon" / "store" / "schema.py", package / "tunewright" / "__init__.py"
    tables.write_text(tables.read_text() + NEXT_VERSION)
    front.write_text(front.read_text() + '\n__version__ = "99.0.0"\n')
    return str(package)


def stop(daemon: Daemon) -> None:
    os.kill(daemon.pid, signal.SIGTERM)
    assert daemon.wait() == 0


def test_upgrade_in_place_and_back_while_a_step_runs(stopped_daemon: Daemon, next_version: str) -> None:
    """As docs/operating.md says it: stop, start the other version on the same home; steps that run don't notice."""
    daemon = stopped_daemon.start()
    client = daemon.client
    plan = a_plan(a_step("sft", [{"wait_for": "work/go"}, write("f", "x")]), a_step("exam", needs=["sft"]))
    run = daemon.submit(plan).run.id
    eventually(lambda: (daemon.bundle(run, "sft") / "events.jsonl").exists())
    old = client.server_info()
    stop(daemon)

    daemon.start(package=next_version)
    assert daemon.client.server_info().version == "99.0.0"
    assert old.version != "99.0.0"
    with closing(opened(daemon.home / "control.db")) as connection:
        assert connection.execute("PRAGMA user_version").fetchone()[0] == NEWEST + 1
    assert daemon.client.get_run(run).run.step("sft").state == "running"
    daemon.submit(a_plan(a_step("one", [write("f", "y")]), name="since"))
    stop(daemon)

    assert daemon.start().wait() == 3, "the older version does not touch what it does not know"
    assert f"this build knows {NEWEST}" in daemon.log
    assert f"control.db.version-{NEWEST}" in daemon.log
    for name in ("control.db", "control.db-wal", "control.db-shm"):
        (daemon.home / name).unlink(missing_ok=True)
    (daemon.home / f"control.db.version-{NEWEST}").rename(daemon.home / "control.db")

    daemon.start()
    assert daemon.client.server_info().version == old.version
    assert [item.id for item in daemon.client.list_runs()] == [run], "what was done since is not in the copy"
    (daemon.bundle(run, "sft") / "work" / "go").touch()
    ended = daemon.finish(run)
    assert ended.state == "succeeded"
    assert [step.attempt for step in ended.steps] == [1, 1], "nothing ran twice"
    assert not daemon.bundle(run, "sft", 2).exists()
    daemon.events(run)


def test_one_writer_begins_every_transaction_at_once(tmp_path: Path) -> None:
    """A deferred transaction that reads first and then writes fails at once where another one has written between."""
    import asyncio

    said: list[str] = []

    async def work() -> None:
        database = Database(tmp_path / "control.db")
        database.start(lambda: None)
        await database.write(lambda connection: connection.set_trace_callback(said.append))
        await asyncio.gather(*(database.write(lambda c: c.execute("SELECT 1").fetchone()) for _ in range(50)))
        await database.close()

    asyncio.run(work())
    begun = [statement for statement in said if statement.startswith("BEGIN")]
    assert set(begun) == {"BEGIN IMMEDIATE"}
    assert len(begun) < 50, "writes that wait are committed together"
