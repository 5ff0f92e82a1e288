"""A backup is made while the daemon works, is whole, and comes back: what had ended as it was, what went on at rest."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest
from harness.daemons import PACKAGE_ROOT, Daemon, eventually
from harness.plans import a_plan, a_step, role, write

from tunewright.daemon.backup.manifest import BackupError
from tunewright.daemon.backup.restore import restore
from tunewright.daemon.backup.save import back_up
from tunewright.daemon.backup.verify import verify
from tunewright.daemon.home import Home, HomeTakenError

WAIT = {"wait_for": "work/go"}
MODEL = [write("m", "x" * 5000), role("model"), {"say": "trained"}]


def tunewright(*arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run the command line."""
    return subprocess.run(
        [sys.executable, "-P", "-m", "tunewright", *arguments],
        env={"PYTHONPATH": PACKAGE_ROOT, "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
    )


def test_backup_of_a_working_daemon_comes_back_elsewhere(daemon: Daemon, tmp_path: Path) -> None:
    plan = a_plan(
        a_step("sft", MODEL), a_step("long", [{"wait_for_pause": True}, WAIT, write("o", "y")], needs=["sft"])
    )
    run = daemon.submit(plan, request_id="mine").run.id
    eventually(lambda: daemon.client.get_run(run).run.step("long").state == "running")
    ready = {"emit": {"kind": "ready", "address": "http://127.0.0.1:1"}}
    daemon.finish(daemon.submit(a_plan(a_step("chat", [ready, {"sleep": 300}], service=True), name="served")).run.id)
    elsewhere = tmp_path / "elsewhere"

    made = tunewright("daemon", "--home", str(daemon.home), "backup", str(tmp_path / "kept"))
    assert made.returncode == 0, made.stderr
    assert "1 artifacts" in made.stdout
    assert "read again and whole" in made.stdout
    back = tunewright("daemon", "--home", str(elsewhere), "restore", str(tmp_path / "kept"))
    assert back.returncode == 0, back.stderr
    assert f"`tunewright resume {run}`" in back.stdout

    old = daemon.client.server_info()
    assert daemon.client.get_run(run).run.step("long").state == "running", "the daemon was not disturbed"
    restored = Daemon(elsewhere)
    try:
        client = restored.start().client
        assert client.server_info().store_id != old.store_id, "cursors of the old store mean nothing here"
        found = client.get_run(run).run
        assert (found.state, found.step("sft").state, found.step("long").state) == ("paused", "succeeded", "paused")
        assert found.step("long").failure is not None
        assert found.step("long").failure.reason == "RESTORED"
        assert [event.kind for event in restored.events(run)][-3:] == ["run_pausing", "step_paused", "run_paused"]
        assert [(item.state, item.failure and item.failure.reason) for item in client.deployments(ended=True)] == [
            ("failed", "RESTORED")
        ]
        assert client.get_artifact(found.step("sft").artifact).intact
        assert b"".join(chunk.data for chunk in client.logs(run, "sft")) == b"trained\n"
        assert restored.submit(plan, request_id="mine").run.id == run, "requests are remembered"
        client.resume(run)
        eventually(lambda: client.get_run(run).run.step("long").attempt == 2)
        client.pause(run)
        eventually(lambda: client.get_run(run).run.paused)
        client.resume(run)
        bundle = restored.bundle(run, "long", 3)
        eventually((bundle / "work").is_dir)
        (bundle / "work" / "go").touch()
        assert restored.finish(run).state == "succeeded"
    finally:
        restored.clean_up()


def test_backup_under_load_is_of_one_moment(daemon: Daemon, tmp_path: Path) -> None:
    stop = threading.Event()

    def submit() -> None:
        client = daemon.client
        while not stop.is_set():
            daemon.submit(a_plan(a_step("one", [{"exit": 1}]), name="load"))
        client.close()

    loading = threading.Thread(target=submit)
    loading.start()
    try:
        eventually(lambda: len(list(daemon.client.list_runs())) > 3)
        manifests = [back_up(Home(daemon.home), tmp_path / f"kept-{number}", checkpoints=False) for number in range(3)]
    finally:
        stop.set()
        loading.join()
    assert len({manifest.time for manifest in manifests}) == 3
    for number in range(3):
        with closing(sqlite3.connect(tmp_path / f"kept-{number}" / "control.db")) as store:
            broken = "SELECT id FROM runs WHERE last_sequence <> (SELECT count(*) FROM events WHERE run = runs.id)"
            assert store.execute(broken).fetchall() == []
            assert store.execute("SELECT count(*) FROM runs").fetchone()[0] > 3


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of a home with one artifact and one checkpoint."""
    folder = tmp_path_factory.mktemp("kept")
    daemon = Daemon(folder / "home")
    try:
        daemon.start()
        daemon.finish(daemon.submit(a_plan(a_step("sft", MODEL))).run.id)
        failing = [write("../work/checkpoint", "c"), {"exit": 1}]
        daemon.finish(daemon.submit(a_plan(a_step("bad", failing), name="bad")).run.id)
        (daemon.home / "secrets").mkdir()
        (daemon.home / "secrets" / "TOKEN").write_text("a secret")
    finally:
        daemon.clean_up()
    back_up(Home(daemon.home), folder / "kept", checkpoints=True)
    return folder / "kept"


def test_checkpoints_are_part_of_it_when_asked_for_and_secrets_never(kept: Path, tmp_path: Path) -> None:
    assert [path.read_text() for path in kept.glob("bundles/*/bad/1/work/checkpoint")] == ["c"]
    assert not [path for path in kept.rglob("*") if path.is_file() and b"a secret" in path.read_bytes()]
    back_up(Home(kept.parent / "home"), tmp_path / "small", checkpoints=False)
    assert list((tmp_path / "small").glob("bundles/*/*/1/work")) == []


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("control.db", "control.db has changed"),
        ("manifest.json", "is not what was written"),
        ("artifacts/sha256/*/*/m", "artifact sha256:"),
        ("bundles/*/sft/1/events.jsonl", "events.jsonl has changed"),
    ],
)
def test_damaged_backup_is_not_put_back(kept: Path, tmp_path: Path, damage: str, told: str) -> None:
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-a", str(kept), str(copy)], check=True)
    (path,) = copy.glob(damage)
    path.chmod(0o600)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BackupError, match=told):
        restore(copy, Home(tmp_path / "home"))
    assert not (tmp_path / "home").exists()
    assert verify(kept).artifacts


def test_home_with_a_store_or_a_daemon_is_left_alone(kept: Path, daemon: Daemon, tmp_path: Path) -> None:
    with pytest.raises(HomeTakenError):
        restore(kept, Home(daemon.home))
    restore(kept, Home(tmp_path / "new"))
    with pytest.raises(BackupError, match="has a store already"):
        restore(kept, Home(tmp_path / "new"))
    with pytest.raises(BackupError, match="exists already"):
        back_up(Home(daemon.home), kept, checkpoints=False)
    said = tunewright("daemon", "--home", str(tmp_path / "nobody"), "backup", str(tmp_path / "x"))
    assert said.returncode == 1
    assert "there is no store" in said.stderr
    assert tunewright("daemon", "restore", "--verify", str(kept)).returncode == 0


def test_backup_touches_nothing_but_its_own_folder(kept: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "other")
    restore(kept, home)
    bystander = tmp_path / "made.partial" / "precious"
    bystander.parent.mkdir()
    bystander.write_text("of somebody else")
    back_up(home, tmp_path / "made", checkpoints=False)
    assert bystander.read_text() == "of somebody else"
    (tmp_path / "link").symlink_to(home.root)
    for inside in (home.root / "backup", tmp_path / "link" / "backup", home.root / "bundles" / ".." / "x"):
        with pytest.raises(BackupError, match="lies in the home that is backed up"):
            back_up(home, inside, checkpoints=False)
    with pytest.raises(BackupError, match="can't be made"):
        back_up(home, Path("/proc/x"), checkpoints=False)


def test_artifact_that_is_not_whole_is_left_out_and_named(kept: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    subprocess.run(["cp", "-a", str(kept.parent / "home"), str(home)], check=True)
    (model,) = home.glob("artifacts/sha256/*/*/m")
    model.chmod(0o600)
    model.write_text("y" * 5000)
    manifest = back_up(Home(home), tmp_path / "kept", checkpoints=False)
    assert manifest.artifacts == ()
    assert len(manifest.absent) == 1
    assert verify(tmp_path / "kept").absent == manifest.absent
