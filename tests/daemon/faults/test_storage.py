"""The disk below the store: full of files, broken, read-only, held by others, cut off in the middle of a write."""

import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from harness.daemons import Daemon, eventually, source_of
from harness.plans import a_plan, a_shell_step, a_step, write

from tunewright.client.api import connect
from tunewright.client.errors import ClientError
from tunewright.client.local import socket_target
from tunewright.compiler.ir.plan import Limits
from tunewright.daemon.filesystem import network_type
from tunewright.daemon.store import schema

ROOT = Path(__file__).parents[3]
WAIT = {"wait_for": "work/go"}


def mounted(folder: Path, options: str) -> Iterator[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "none", str(folder)], capture_output=True).returncode:
        pytest.skip("mounting is not allowed here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def few_files(stopped_daemon: Daemon) -> Iterator[Path]:
    """Bundles on a disk that has room, but for few files."""
    yield from mounted(stopped_daemon.home / "bundles", "nr_inodes=40")


def test_disk_without_room_for_another_file_fails_the_step(stopped_daemon: Daemon, few_files: Path) -> None:
    daemon = stopped_daemon.start()
    many = [{"write": {"path": f"work/{number}", "text": "x"}} for number in range(60)]
    run = daemon.finish(daemon.submit(a_plan(a_step("sft", many, limits=Limits(retries=0)))).run.id)
    assert (run.state, run.failure.reason) == ("failed", "DISK_FULL")
    shutil.rmtree(daemon.bundle(run.id, "sft"))
    again = daemon.finish(daemon.submit(a_plan(a_step("sft", [write("f", "x")]))).run.id)
    assert again.state == "succeeded"
    daemon.clean_up()


def test_flush_that_fails_ends_the_daemon_and_the_next_finds_what_was_acknowledged(
    stopped_daemon: Daemon, tmp_path: Path
) -> None:
    """After a failed fsync nobody knows what is on the disk: the daemon must not go on as if it did."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    daemon = stopped_daemon.start()
    before = daemon.finish(daemon.submit(a_plan(a_step("one", [write("f", "x")]))).run.id)
    failing = ["-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:error=EIO"]
    tracer = subprocess.Popen(
        ["strace", "-f", "-p", str(daemon.pid), "-o", str(tmp_path / "trace"), *failing], stderr=subprocess.PIPE
    )
    assert tracer.stderr is not None
    assert b"attached" in tracer.stderr.readline()
    with connect(socket_target(daemon.home), patience_seconds=0.0) as client, pytest.raises(ClientError):
        client.create_run(source_of(a_plan(a_step("two"))), request_id="during")
    assert daemon.wait() == 74
    tracer.wait(30)
    tracer.stderr.close()
    assert "the store can't be written" in daemon.log

    daemon.start()
    assert daemon.client.get_run(before.id).run.state == "succeeded"
    again = daemon.submit(a_plan(a_step("two")), request_id="during").run.id
    assert daemon.finish(again).state == "succeeded"


def test_store_held_by_another_program_makes_callers_wait_and_then_says_so(shared_daemon: Daemon) -> None:
    with closing(sqlite3.connect(shared_daemon.home / "control.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with (
            connect(socket_target(shared_daemon.home), patience_seconds=0.0) as client,
            pytest.raises(ClientError) as caught,
        ):
            client.create_run(source_of(a_plan(a_step("one"))), request_id="held")
        other.execute("ROLLBACK")
    assert "another program holds" in str(caught.value)
    assert shared_daemon.finish(shared_daemon.submit(a_plan(a_step("one")), request_id="held").run.id).ended


def test_reader_that_never_ends_stops_no_writer_and_the_log_shrinks_after_it(shared_daemon: Daemon) -> None:
    wal = shared_daemon.home / "control.db-wal"
    script = (
        'awk \'BEGIN { x = sprintf("%4000s", ""); for (i = 1; i <= 300; i++)'
        ' printf "{\\"seq\\": %d, \\"time\\": \\"\\", \\"kind\\": \\"site.text\\", \\"text\\": \\"%s\\"}\\n", i, x }\''
        " >> ../events.jsonl; : "
    )
    with closing(sqlite3.connect(shared_daemon.home / "control.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        run = shared_daemon.finish(shared_daemon.submit(a_plan(a_shell_step("one", script + "1"))).run.id)
        assert run.state == "succeeded"
        grown = wal.stat().st_size
        assert grown > 1_000_000
        reader.execute("ROLLBACK")
    for number in range(3):
        run = shared_daemon.finish(shared_daemon.submit(a_plan(a_shell_step("one", f"{script}2{number}"))).run.id)
    assert wal.stat().st_size < 3 * grown, "it is written over from its beginning"


def test_read_only_disk_is_refused_with_a_sentence(stopped_daemon: Daemon) -> None:
    for _ in mounted(stopped_daemon.home, "size=8m,mode=700"):
        stopped_daemon.start()
        os.kill(stopped_daemon.pid, signal.SIGTERM)
        stopped_daemon.wait()
        log = (stopped_daemon.home / "daemon.log").read_text()
        subprocess.run(["mount", "-o", "remount,ro", str(stopped_daemon.home)], check=True)
        command = [sys.executable, "-P", "-m", "tunewright.daemon", "--home", str(stopped_daemon.home)]
        refused = subprocess.run(command, capture_output=True, text=True, cwd="/", timeout=60)
        assert refused.returncode == 3
        assert "ead-only" in refused.stderr
        assert "Traceback" not in refused.stderr + log


@pytest.mark.parametrize("damage", ["a page", "half of the file", "the log of writes"])
def test_damaged_store_is_refused_or_whole_never_half(stopped_daemon: Daemon, damage: str) -> None:
    daemon = stopped_daemon.start()
    daemon.finish(daemon.submit(a_plan(a_step("one", [write("f", "x")]))).run.id)
    path = daemon.home / "control.db"
    if damage != "the log of writes":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    daemon.kill()
    match damage:
        case "a page":
            with path.open("r+b") as stream:
                stream.seek(3 * 4096)
                stream.write(bytes(range(256)) * 16)
        case "half of the file":
            os.truncate(path, path.stat().st_size // 2)
        case _:
            path.with_name("control.db-wal").unlink()
            path.with_name("control.db-shm").unlink()
    daemon.start()
    if damage == "the log of writes":  # what was only there is gone; what is left is a moment that there was
        assert all(run.last_sequence for run in daemon.client.list_runs())
    else:
        assert daemon.wait() == 3
        assert "can't be opened" in daemon.log
        assert "put a backup in its place" in daemon.log
    assert "Traceback" not in daemon.log


def test_power_that_fails_at_any_write_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """What is flushed stays; of what is not, the disk may keep any part. Tried on the store's own commits."""
    draw = random.Random(1)
    path = tmp_path / "control.db"
    states = []
    with closing(sqlite3.connect(path, isolation_level=None)) as writer:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "wal_autocheckpoint = 0"):
            writer.execute(f"PRAGMA {pragma}")
        schema.migrate(writer)
        writer.execute("CREATE TABLE acknowledged (number INTEGER PRIMARY KEY, text TEXT)")
        for number in range(12):
            writer.execute("BEGIN IMMEDIATE")
            writer.execute("INSERT INTO acknowledged VALUES (?, ?)", (number, "x" * draw.randrange(9000)))
            writer.execute("COMMIT")
            states.append((path.read_bytes(), path.with_name("control.db-wal").read_bytes()))
    for case in range(200):
        number = draw.randrange(len(states) - 1)
        (database, kept), (_, later) = states[number], states[number + 1]
        cut = draw.randrange(len(kept), len(later) + 1)
        tail = bytearray(later[len(kept) : cut])
        for sector in range(0, len(tail), 512):
            if draw.random() < 0.5:  # this sector never reached the disk
                tail[sector : sector + 512] = bytes(len(tail[sector : sector + 512]))
        place = tmp_path / f"after-{case}.db"
        place.write_bytes(database)
        place.with_name(f"{place.name}-wal").write_bytes(kept + tail)
        with closing(sqlite3.connect(place)) as connection:
            found = [row[0] for row in connection.execute("SELECT number FROM acknowledged ORDER BY number")]
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert found in (list(range(number + 1)), list(range(number + 2))), case


def test_every_commit_is_flushed_before_it_is_acknowledged(tmp_path: Path) -> None:
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    code = (
        "import asyncio, os, sys; from pathlib import Path\n"
        "from tunewright.daemon.store.database import Database\n"
        "async def main():\n"
        "    database = Database(Path(sys.argv[1])); database.start(lambda: None)\n"
        "    for n in range(5):\n"
        "        await database.write(lambda c: c.execute('CREATE TABLE t%d (x)' % n))\n"
        "        os.write(1, b'acknowledged')\n"
        "asyncio.run(main())"
    )
    command = ["strace", "-f", "-e", "trace=write,fdatasync,fsync", "-o", str(tmp_path / "trace")]
    subprocess.run(
        [*command, sys.executable, "-P", "-c", code, str(tmp_path / "control.db")],
        stdout=subprocess.DEVNULL,
        check=True,
    )
    trace = (tmp_path / "trace").read_text()
    told = trace.split("acknowledged")
    assert len(told) == 6
    assert all("sync(" in before for before in told[:-1])


def test_migration_that_is_killed_half_way_is_done_by_the_next_start(tmp_path: Path) -> None:
    """Killed before every single statement of every migration."""
    statements: list[str] = []
    whole = sqlite3.connect(tmp_path / "whole.db", isolation_level=None)
    whole.set_trace_callback(statements.append)
    schema.migrate(whole)
    whole.set_trace_callback(None)
    expected = _tables(whole)
    whole.close()
    for number in range(1, len(statements), 2):
        path = tmp_path / f"{number}.db"
        if os.fork() == 0:
            _migrate_and_die(path, number)
        os.wait()
        with closing(sqlite3.connect(path, isolation_level=None)) as connection:
            schema.migrate(connection)
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            assert _tables(connection) == expected, statements[number]


def _migrate_and_die(path: Path, number: int) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    seen = 0

    def count(_: str) -> None:
        nonlocal seen
        seen += 1
        if seen == number:
            os.kill(os.getpid(), signal.SIGKILL)

    connection.set_trace_callback(count)
    schema.migrate(connection)
    os._exit(1)


def _tables(connection: sqlite3.Connection) -> list[object]:
    query = "SELECT type, name, sql FROM sqlite_master ORDER BY type, name"
    return [connection.execute("PRAGMA user_version").fetchone(), *map(tuple, connection.execute(query).fetchall())]


def test_writers_never_begin_what_can_not_become_a_write() -> None:
    """A deferred transaction that reads first fails at once when another one writes, whatever the timeout is."""
    only_read = {"export.py", "readings.py"}
    for path in [path for path in (ROOT / "daemon").rglob("*.py") if path.name not in only_read]:
        for line in path.read_text().splitlines():
            if 'execute("BEGIN' in line:
                assert '"BEGIN IMMEDIATE"' in line, (path, line)


@pytest.mark.parametrize(
    ("mounts", "found"),
    [
        ("21 1 8:1 / / rw - ext4 /dev/sda rw\n30 21 0:40 / /srv/home rw - nfs4 server:/home rw", "nfs4"),
        ("21 1 8:1 / / rw - ext4 /dev/sda rw\n30 21 0:40 / /srv rw shared:1 - fuse.sshfs me@there rw", "fuse.sshfs"),
        ("21 1 0:40 / / rw - nfs server:/ rw\n30 21 8:1 / /srv rw - xfs /dev/sdb rw", None),
        ("21 1 8:1 / / rw - ext4 /dev/sda rw\n30 21 0:40 / /srv/ho rw - nfs4 server:/home rw", None),
        ("nonsense", None),
    ],
)
def test_home_on_a_network_is_recognised(mounts: str, found: str | None) -> None:
    assert network_type(Path("/srv/home/me"), mounts) == found


def test_files_without_descriptors_left_stop_nothing_that_runs(stopped_daemon: Daemon) -> None:
    daemon = stopped_daemon.start()
    client = daemon.client
    run = daemon.submit(a_plan(a_step("sft", [WAIT, write("f", "x")]), a_step("exam", needs=["sft"]))).run.id
    eventually(lambda: client.get_run(run).run.step("sft").state == "running")
    _limit_descriptors(daemon.pid, 5)
    (daemon.bundle(run, "sft") / "work" / "go").touch()
    eventually((daemon.bundle(run, "sft") / "exit.json").exists)
    eventually(lambda: "Too many open files" in daemon.log)
    assert not daemon.ended()
    _limit_descriptors(daemon.pid, 1024)
    ended = daemon.finish(run)
    assert (ended.state, [step.attempt for step in ended.steps]) == ("succeeded", [1, 1])


def _limit_descriptors(pid: int, count: int) -> None:
    import resource

    resource.prlimit(pid, resource.RLIMIT_NOFILE, (count, 1024 * 16))


def test_daemon_without_memory_refuses_or_ends_and_forgets_nothing(stopped_daemon: Daemon) -> None:
    import resource

    daemon = stopped_daemon.start()
    run = daemon.finish(daemon.submit(a_plan(a_step("one", [write("f", "x")]))).run.id)
    used = int(Path(f"/proc/{daemon.pid}/statm").read_text().split()[0]) * resource.getpagesize()
    resource.prlimit(daemon.pid, resource.RLIMIT_AS, (used + 2_000_000, used + 2_000_000))
    client = connect(socket_target(daemon.home), patience_seconds=0.0)
    big = a_plan(a_step("big", [{"say": "x" * 900_000}]))
    for number in range(3):
        try:
            client.create_run(source_of(big), request_id=str(number))
        except ClientError:
            continue
    client.close()
    if not daemon.ended():
        daemon.kill()
    daemon.start()
    assert daemon.client.get_run(run.id).run.state == "succeeded"
    found = [daemon.finish(item.id).state for item in daemon.client.list_runs()]
    assert set(found) == {"succeeded"}
