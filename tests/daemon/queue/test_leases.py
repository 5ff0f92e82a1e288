"""Leases in a real store: one holder a device, all or none, and what a project has had is added up."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tunewright.daemon.store import leases, schema
from tunewright.daemon.store.leases import TakenError

NOW = 1_800_000_000_000
HOUR = 3_600_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """A store without runs, in which leases need no attempt."""
    with closing(sqlite3.connect(tmp_path / "control.db", isolation_level=None)) as connection:
        connection.row_factory = sqlite3.Row
        schema.migrate(connection)
        yield connection


def take(store: sqlite3.Connection, run: str, *units: str, project: str = "default") -> None:
    leases.take(store, run, "sft", 1, project, units, NOW)


def test_the_store_refuses_a_second_holder_and_gives_no_part(store: sqlite3.Connection) -> None:
    take(store, "a", "GPU-1")
    store.execute("BEGIN")
    with pytest.raises(TakenError):
        take(store, "b", "GPU-0", "GPU-1")
    store.execute("ROLLBACK")
    assert [(lease.unit, lease.run) for lease in leases.every(store)] == [("GPU-1", "a")]
    leases.release(store, "a", "sft", NOW + 1)
    take(store, "b", "GPU-0", "GPU-1", "cpu:0")
    assert leases.of_step(store, "b", "sft") == ("GPU-0", "GPU-1"), "a slot is no device"


def test_use_is_added_up_for_each_project_and_fades(store: sqlite3.Connection) -> None:
    take(store, "a", "GPU-0", "GPU-1", project="support")
    take(store, "b", "cpu:0", project="sales")
    leases.release(store, "a", "sft", NOW + HOUR)
    leases.release(store, "a", "sft", NOW + 2 * HOUR)
    devices = leases.use(store, leases.DEVICES, NOW + HOUR)
    assert devices == {"support": pytest.approx(2 * 3600, rel=0.02)}
    assert leases.use(store, leases.SLOTS, NOW + HOUR) == {"sales": pytest.approx(3600, rel=0.02)}, "it still runs"
    later = leases.use(store, leases.DEVICES, NOW + 25 * HOUR)
    assert later["support"] == pytest.approx(devices["support"] / 2)
