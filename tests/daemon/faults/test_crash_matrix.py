"""Daemon and supervisor die at every point of a run, in every combination: a slice of them here, more by an option.

`pytest tests/daemon/faults/test_crash_matrix.py --crash-cases 500 --fault-seed 7` draws that many.
"""

import json
import os
import random
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness import invariants
from harness.crashes.engine_process import CANARY
from harness.daemons import PACKAGE_ROOT

from tunewright.daemon.home import Home
from tunewright.daemon.secrets.delivery import Delivery
from tunewright.daemon.secrets.providers import Providers
from tunewright.runners.supervision import spawn
from tunewright.spec.canonical import digest_of_tree

SHARED = Path(__file__).parents[1] / "shared"
ENGINE = SHARED / "harness" / "crashes" / "engine_process.py"
#: What a run has without a death; a number beyond the last point is a life without one.
DAEMON_POINTS, SUPERVISOR_POINTS = 80, 24


class Engines:
    """Lives of daemons without an API, one after the other."""

    def __init__(self) -> None:
        environment = {**os.environ, "PYTHONPATH": f"{PACKAGE_ROOT}:{SHARED}"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(ENGINE)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )

    def live(self, home: Path, dies_at: int) -> dict[str, Any]:
        """Let one live on a home; it dies before its `dies_at`-th operation (0: it does not)."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"home": str(home), "dies_at": dies_at}) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self) -> None:
        """No more lives."""
        self._process.communicate(timeout=60)


@pytest.fixture(scope="module")
def engines() -> Iterator[Engines]:
    found = Engines()
    yield found
    found.end()


def a_home(folder: Path, supervisor_dies_at: int) -> Path:
    folder.mkdir(mode=0o700)
    (folder / "supervisor").write_text(str(spawn._SCRIPT))
    (folder / "secrets").mkdir()
    (folder / "secrets" / "TOKEN").write_text(CANARY)
    (folder / "secrets" / "TOKEN").chmod(0o400)
    if supervisor_dies_at:
        (folder / "supervisor-dies-at").write_text(str(supervisor_dies_at))
    return folder


def processes_of(home: Path) -> list[str]:
    found = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            if f"TUNEWRIGHT_BUNDLE={home}/".encode() in environ.read_bytes():
                found.append((environ.parent / "cmdline").read_text())
        except OSError:
            continue
    return found


def play(engines: Engines, home: Path, deaths: list[int]) -> int:
    """Let daemons die one after the other, then one live to the end; return how many died."""
    died = 0
    for number in deaths:
        life = engines.live(home, number)
        if life["status"] == 9 and (home / "acknowledged").exists():
            with sqlite3.connect(home / "control.db") as connection:
                known = connection.execute("SELECT id FROM runs").fetchall()
            assert known == [((home / "acknowledged").read_text(),)], "an acknowledged run is lost"
        died += life["status"] == 9
    last = engines.live(home, 0)
    assert last["status"] == 0, last
    return died


def assert_done_once(home: Path) -> None:
    """The general rule: everything is done, nothing twice, nothing is left over, and the log says so."""
    connection = sqlite3.connect(home / "control.db")
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        invariants.check(connection)
        assert connection.execute("SELECT state FROM runs").fetchall() == [("succeeded",)]
        artifacts = [row[0] for row in connection.execute("SELECT digest FROM artifacts")]
        attempts = connection.execute("SELECT count(*) FROM attempts").fetchone()[0]
    finally:
        connection.close()
    assert len(artifacts) == 2
    assert all(digest_of_tree(Home(home).artifact(digest)) == digest for digest in artifacts)
    starts = Counter((home / "starts").read_text().splitlines())
    assert set(starts.values()) == {1}, f"an attempt was started twice: {starts}"
    assert len(starts) <= attempts
    assert processes_of(home) == []
    assert Delivery(Home(home), Providers(())).folders() == []
    files = [home / "control.db", *(path for path in (home / "bundles").rglob("*") if path.is_file())]
    assert [path for path in files if CANARY.encode() in path.read_bytes()] == [], "a secret is left over"


def test_a_run_has_the_points_that_are_drawn_from(engines: Engines, tmp_path: Path) -> None:
    home = a_home(tmp_path / "h", 0)
    operations = engines.live(home, 0)["operations"]
    assert_done_once(home)
    assert 40 < operations < 1.3 * DAEMON_POINTS  # on a busy machine it looks more often
    assert 8 < int((home / "supervisor-operations").read_text()) < SUPERVISOR_POINTS


def test_whoever_dies_wherever(
    engines: Engines, tmp_path: Path, request: pytest.FixtureRequest, record_property: Callable[[str, object], None]
) -> None:
    draw = random.Random(request.config.getoption("--fault-seed"))
    deaths: Counter[str] = Counter()
    for case in range(request.config.getoption("--crash-cases")):
        supervisor = draw.randrange(SUPERVISOR_POINTS)
        daemons = [draw.randrange(1, DAEMON_POINTS) for _ in range(draw.choice((1, 1, 2)))]
        home = a_home(tmp_path / str(case), supervisor)
        try:
            deaths["daemon"] += play(engines, home, daemons)
            assert_done_once(home)
        except AssertionError as error:
            error.add_note(f"case {case}: daemons die at {daemons}, the supervisor at {supervisor}; see {home}")
            raise
        deaths["supervisor"] += supervisor > 0
    assert deaths["daemon"] > 0
    for who, count in deaths.items():
        record_property(f"deaths of {who}s", count)
