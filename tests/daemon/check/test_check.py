"""`tunewright daemon check` tells what is wrong with a daemon and its home, and changes nothing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from harness.daemons import PACKAGE_ROOT, Daemon, eventually
from harness.plans import a_plan, a_step, write
from harness.sites import Site

from tunewright.daemon.check.credentials import _dated
from tunewright.daemon.check.finding import Finding, Level, as_text, worst
from tunewright.daemon.check.looks import look
from tunewright.daemon.settings import Settings
from tunewright.runners.supervision.record import read_processes


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    site = Site(folder, Daemon(folder / "home"))
    try:
        yield site.prepare().start()
    finally:
        site.clean_up()


def check(home: Path, *arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    """Return the exit code, and the worst finding of each name."""
    command = [sys.executable, "-P", "-m", "tunewright", "daemon", "--home", str(home), "check", "--json", *arguments]
    environment = {**os.environ, "PYTHONPATH": PACKAGE_ROOT}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    found: dict[str, dict[str, str]] = {}
    for row in json.loads(done.stdout)["findings"]:
        if row["name"] not in found or row["level"] != "ok":
            found[row["name"]] = row
    return done.returncode, found


def test_a_daemon_that_is_well(site: Site) -> None:
    before = {path: path.stat().st_mtime_ns for path in site.daemon.home.iterdir() if "-shm" not in path.name}
    code, found = check(site.daemon.home, "--access", str(site.access_file))
    bad = {name: row for name, row in found.items() if row["level"] != "ok"}
    assert set(bad) <= {"disk", "tls", "authority", "revocations"}, "the test's certificates live for a day"
    assert code == (1 if bad else 0)
    assert f"pid {site.daemon.pid} listens" in found["daemon"]["message"]
    assert {path: path.stat().st_mtime_ns for path in before} == before, "nothing was written"
    assert site.daemon.answers()


def test_certificates_that_end_soon_are_named_with_their_day(site: Site) -> None:
    code, found = check(site.daemon.home, "--access", str(site.access_file))
    assert code == 1
    assert found["tls"]["level"] == "warning"
    assert f"{datetime.now(UTC) + timedelta(days=1):%Y-%m-}" in found["tls"]["message"]
    assert "issue a new one" in found["tls"]["help"]
    assert _dated("tls", "x", datetime.now(UTC) - timedelta(hours=1), "").level is Level.ERROR
    assert _dated("tls", "x", datetime.now(UTC) + timedelta(days=60), "help").help == ""


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(0o755)
    (home / "control.db").write_bytes(b"no store" * 1000)
    (home / "access.yaml").write_text("api_version: tunewright/access/v1\nlistn: []\n")
    (home / "policy.yaml").write_text("api_version: tunewright/policy/v1\nnonsense: 1\n")
    (home / "retention.yaml").write_text("logs_days: never\n")
    (home / "alerts.yaml").write_text("nonsense: 1\n")
    code, found = check(home)
    assert code == 2
    wrong = {name for name, row in found.items() if row["level"] == "error"}
    assert wrong >= {"home", "daemon", "store", "access", "policy", "retention", "alerts"}
    assert "access.yaml:2:1: unknown key `listn`" in found["access"]["message"]
    assert "policy.yaml:2:" in found["policy"]["message"]


def test_who_may_not_look_into_the_home_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)

    def refused(path: Path) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "scandir", refused)
    (finding,) = look(Settings(home=home))
    assert finding.level is Level.ERROR
    assert f"may not look into {home}" in finding.message
    assert "as the daemon's user" in finding.help


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("metrics: nonsense", "an address has a port"),
        ('metrics: "0.0.0.0:9464"', "are read from other machines: add `tls`"),
        ('oidc: {issuer: "http://login.bank.example", audience: tunewright}', "must begin with https://"),
    ],
)
def test_what_the_daemon_would_refuse_at_its_start_is_told(tmp_path: Path, text: str, words: str) -> None:
    access = tmp_path / "access.yaml"
    access.write_text(f"api_version: tunewright/access/v1\n{text}\n")
    found = {item.name: item for item in look(Settings(home=tmp_path, access=access))}
    assert found["access"].level is Level.ERROR
    assert words in found["access"].message


def test_processes_of_a_run_that_has_ended_are_named(stopped_daemon: Daemon) -> None:
    daemon = stopped_daemon.start()
    run = daemon.submit(a_plan(a_step("sft", [{"wait_for": "work/go"}, write("f", "x")]))).run.id
    supervisor, runner = eventually(lambda: all(found := read_processes(daemon.bundle(run, "sft"))) and found)
    assert check(daemon.home)[1]["processes"]["message"].endswith("none left over")
    bundle = {"TUNEWRIGHT_BUNDLE": str(daemon.bundle("20200101-000000-aaaa", "sft").absolute())}
    with subprocess.Popen(["sleep", "60"], env={**os.environ, **bundle}) as left:
        code, found = check(daemon.home)
        left.kill()
    assert code >= 1
    assert f"run 20200101-000000-aaaa has ended, and processes of it are there: {left.pid}" in str(found["processes"])
    assert supervisor.alive()
    assert runner.alive()
    (daemon.bundle(run, "sft") / "work" / "go").touch()
    daemon.finish(run)


def test_the_worst_finding_is_the_exit_code() -> None:
    well = Finding(name="home", level=Level.OK, message="fine")
    doubt = Finding(name="disk", level=Level.WARNING, message="little", help="make room")
    assert worst([]) == worst([well]) == 0
    assert worst([well, doubt, well]) == 1
    assert as_text([well, doubt]).splitlines() == [
        "ok       home          fine",
        "warning  disk          little",
        "                       make room",
    ]
