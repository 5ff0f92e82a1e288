"""The real engine and the real store in simulated time: what a seed decides happens, and the rules hold all along.

`pytest tests/daemon/faults/test_simulation.py --histories 5000 --fault-seed 7` plays that many.
"""

import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.simulation.history import History

from tunewright.daemon.store.database import Database


@pytest.fixture
def memory_disk() -> Iterator[Path]:
    """A folder in memory where the machine has one."""
    shared = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=shared if shared.is_dir() else None) as folder:
        yield Path(folder)


@pytest.fixture
def template(memory_disk: Path) -> Path:
    """An empty store."""
    database = Database(memory_disk / "control.db")
    database.read.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.read.close()
    return memory_disk / "control.db"


def test_one_seed_is_one_history(memory_disk: Path, template: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first, again, other = (
        History(seed, memory_disk / name, template, monkeypatch).play()
        for name, seed in (("first", 3), ("again", 3), ("other", 4))
    )
    assert first == again
    assert first != other


def test_rules_hold_in_every_history(
    memory_disk: Path,
    template: Path,
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
    record_property: Callable[[str, object], None],
) -> None:
    first = request.config.getoption("--fault-seed") * 1_000_000
    counts: Counter[str] = Counter()
    for seed in range(first, first + request.config.getoption("--histories")):
        history = History(seed, memory_disk / "home", template, monkeypatch)
        try:
            history.play()
        except AssertionError as error:
            error.add_note(f"history of seed {seed}")
            raise
        counts += history.world.counts
        shutil.rmtree(memory_disk / "home")
    for name, count in counts.items():
        record_property(name, count)
    assert counts["daemon deaths"] > 0
    assert counts["preemptions"] > 0
