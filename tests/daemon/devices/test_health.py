"""How a device stands: what is judged from what, and what reaches the store."""

import asyncio
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from tunewright.daemon.clock import Clock
from tunewright.daemon.devices.device import Reading, Sample
from tunewright.daemon.devices.fake import FakeInventory, described
from tunewright.daemon.devices.health import Sight, first_seen, judge
from tunewright.daemon.devices.keeper import DeviceKeeper, Holder, Pace
from tunewright.daemon.store import devices, machine_log
from tunewright.daemon.store.database import Database, StorageBusyError
from tunewright.daemon.store.devices import DeviceRecord, DeviceState

GIB = 2**30
GPU: dict[str, Any] = {"uuid": "GPU-aa", "name": "NVIDIA A100-SXM4-80GB", "memory_bytes": 80 * GIB}


def the_record(state: DeviceState = DeviceState.FREE, **changes: Any) -> DeviceRecord:
    (reading,) = readings(GPU)
    record = judge(first_seen(reading.device, 0), Sight(reading=reading), 0, 30)
    assert record.state is DeviceState.FREE
    return replace(record, state=state, **changes)


def readings(*items: dict[str, Any]) -> tuple[Reading, ...]:
    return tuple(described(index, item) for index, item in enumerate(items))


def sight(foreign: tuple[int, ...] = (), leased: bool = False, **sample: Any) -> Sight:
    (reading,) = readings(GPU)
    used = sample.pop("memory_used_bytes", 0)
    return Sight(
        reading=replace(reading, sample=Sample(memory_used_bytes=used, processes=frozenset(foreign), **sample)),
        foreign=foreign,
        leased=leased,
    )


@pytest.mark.parametrize(
    ("before", "seen", "after", "says"),
    [
        (DeviceState.FREE, sight(), DeviceState.FREE, ""),
        (DeviceState.FREE, sight(foreign=(7, 4)), DeviceState.FOREIGN, "4, 7"),
        (DeviceState.FREE, sight(memory_used_bytes=9 * GIB), DeviceState.FOREIGN, "9.0 GiB"),
        (DeviceState.FREE, sight(memory_used_bytes=GIB // 4), DeviceState.FREE, ""),
        (DeviceState.FREE, sight(memory_used_bytes=70 * GIB, leased=True), DeviceState.FREE, ""),
        (DeviceState.FREE, sight(foreign=(7,), leased=True), DeviceState.FREE, ""),
        (DeviceState.FOREIGN, sight(), DeviceState.FREE, ""),
        (DeviceState.FREE, Sight(reading=None), DeviceState.MISSING, "does not list"),
        (DeviceState.MISSING, sight(), DeviceState.FREE, ""),
        (DeviceState.FREE, sight(uncorrectable_errors=2), DeviceState.QUARANTINED, "memory: 2"),
        (DeviceState.FREE, sight(uncorrectable_errors=2, leased=True), DeviceState.QUARANTINED, "memory: 2"),
        (DeviceState.FREE, sight(fault="it has fallen off the bus (XID 79)"), DeviceState.QUARANTINED, "XID 79"),
        (DeviceState.SETTLING, sight(memory_used_bytes=0), DeviceState.FREE, ""),
        (DeviceState.SETTLING, sight(memory_used_bytes=9 * GIB), DeviceState.SETTLING, ""),
        (DeviceState.SETTLING, sight(foreign=(7,), memory_used_bytes=9 * GIB), DeviceState.FOREIGN, "7"),
        (DeviceState.QUARANTINED, sight(), DeviceState.QUARANTINED, ""),
        (DeviceState.QUARANTINED, Sight(reading=None), DeviceState.QUARANTINED, ""),
    ],
)
def test_a_device_stands_as_it_is_seen(before: DeviceState, seen: Sight, after: DeviceState, says: str) -> None:
    found = judge(the_record(before), seen, 1000, 30)
    assert found.state is after
    assert says in found.reason


def test_memory_that_does_not_come_back_puts_a_device_into_quarantine_with_who_had_it() -> None:
    waiting = the_record(DeviceState.SETTLING, reason="step sft of run r1 ended", change_time=5_000)
    held = sight(memory_used_bytes=11 * GIB)
    assert judge(waiting, held, 34_999, 30) == waiting
    found = judge(waiting, held, 35_000, 30)
    assert found.state is DeviceState.QUARANTINED
    assert found.reason == "11.0 GiB of memory have not come back 30 s after step sft of run r1 ended"


def test_what_is_in_use_at_first_sight_is_how_an_idle_device_is() -> None:
    desktop = sight(memory_used_bytes=3 * GIB)
    assert desktop.reading is not None
    found = judge(first_seen(desktop.reading.device, 0), desktop, 0, 30)
    assert (found.state, found.idle_bytes) == (DeviceState.FREE, 3 * GIB)


@dataclass
class Machine:
    """A keeper with a store and a file that stands for the machine."""

    folder: Path
    now: int = 1_000
    leases: dict[str, Holder] = field(default_factory=dict)

    def is_like(self, *items: dict[str, Any], **others: Any) -> None:
        (self.folder / "devices.json").write_text(json.dumps({"devices": items, **others}), "utf-8")

    def during(self, work: Callable[[DeviceKeeper, Database], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            database = Database(self.folder / "control.db")
            database.start(lambda: None)
            keeper = DeviceKeeper(
                database,
                Clock(now=lambda: self.now, word=lambda: "x"),
                FakeInventory(self.folder / "devices.json"),
                self.folder / "bundles",
                leased=lambda _: self.leases,
                pace=Pace(settle_limit=10),
            )
            try:
                await work(keeper, database)
            finally:
                await database.close()

        asyncio.run(whole())


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


def states(connection: sqlite3.Connection) -> dict[str, str]:
    return {record.uuid: str(record.state) for record in devices.every(connection)}


def test_only_a_device_that_is_free_and_answers_may_be_leased(machine: Machine) -> None:
    other = {**GPU, "uuid": "GPU-bb"}

    async def work(keeper: DeviceKeeper, database: Database) -> None:
        def leasable() -> list[str]:
            return [device.uuid for device in keeper.leasable(database.read)]

        assert leasable() == []
        assert keeper.for_plans() is None
        machine.is_like(GPU, other)
        await keeper.look()
        assert leasable() == ["GPU-aa", "GPU-bb"]
        machine.is_like(GPU, {**other, "processes": [os.getpid()]})
        await keeper.look()
        assert leasable() == ["GPU-aa"]
        machine.is_like(error="the driver is gone")
        await keeper.look()
        assert leasable() == []
        assert keeper.for_plans() == [("a100-80gb", 81920 * 2**20)] * 2, "what is planned is still for this machine"
        assert states(database.read) == {"GPU-aa": "missing", "GPU-bb": "missing"}
        assert devices.every(database.read)[0].reason == "the driver is gone"
        machine.is_like(GPU)
        await keeper.look()
        assert leasable() == ["GPU-aa"]

    machine.during(work)


def test_a_device_settles_and_a_person_takes_it_out_of_quarantine(machine: Machine) -> None:
    async def work(keeper: DeviceKeeper, database: Database) -> None:
        machine.is_like(GPU)
        await keeper.look()
        await database.write(lambda connection: devices.settle(connection, ["GPU-aa"], "step a of run r ended", 1_000))
        assert keeper.leasable(database.read) == []
        machine.is_like({**GPU, "memory_used_bytes": 20 * GIB})
        machine.now += 9_000
        await keeper.look()
        assert states(database.read) == {"GPU-aa": "settling"}
        assert await keeper.release("GPU-aa", "it is mine") is None, "only quarantine is released"
        machine.now += 2_000
        await keeper.look()
        assert states(database.read) == {"GPU-aa": "quarantined"}
        machine.is_like(GPU)
        await keeper.look()
        assert keeper.leasable(database.read) == [], "a person has to look at it first"
        opened: list[int] = []
        keeper.changed = lambda: opened.append(machine.now)
        assert await keeper.release("GPU-aa", "driver reloaded") is not None
        assert opened == [machine.now]
        await keeper.look()
        assert [device.uuid for device in keeper.leasable(database.read)] == ["GPU-aa"]
        told = [(entry.kind, entry.actor) for entry in reversed(machine_log.entries(database.read))]
        kinds = ["device_free", "device_settling", "device_quarantined", "device_free"]
        assert told == [(kind, "daemon") for kind in kinds]
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            await database.write(lambda connection: connection.execute("DELETE FROM machine_log"))

    machine.during(work)


def test_a_released_device_is_not_kept_out_again_for_what_was_accepted(machine: Machine) -> None:
    broken = {**GPU, "uncorrectable_errors": 3, "memory_used_bytes": 9 * GIB}

    async def work(keeper: DeviceKeeper, database: Database) -> None:
        machine.is_like(GPU)
        await keeper.look()
        machine.is_like(broken)
        await keeper.look()
        assert states(database.read) == {"GPU-aa": "quarantined"}
        await keeper.release("GPU-aa", "seen, goes on until the next service")
        await keeper.look()
        assert states(database.read) == {"GPU-aa": "free"}
        machine.is_like({**broken, "uncorrectable_errors": 4})
        await keeper.look()
        assert devices.every(database.read)[0].reason == "uncorrectable errors of its memory: 1"

    machine.during(work)


def test_a_process_with_our_mark_is_not_foreign(machine: Machine) -> None:
    bundle = machine.folder / "bundles" / "run" / "step" / "1"
    ours = subprocess.Popen(
        [sys.executable, "-c", "input()"], stdin=subprocess.PIPE, env={"TUNEWRIGHT_BUNDLE": str(bundle)}
    )

    async def work(keeper: DeviceKeeper, database: Database) -> None:
        machine.is_like({**GPU, "processes": [ours.pid]})
        await keeper.look()
        assert states(database.read) == {"GPU-aa": "free"}
        machine.is_like({**GPU, "processes": [ours.pid, os.getpid()]})
        await keeper.look()
        assert states(database.read) == {"GPU-aa": "foreign"}
        assert str(os.getpid()) in devices.every(database.read)[0].reason

    try:
        machine.during(work)
    finally:
        ours.communicate(b"\n")


def test_a_fault_that_could_not_be_stored_is_stored_later(machine: Machine) -> None:
    async def work(keeper: DeviceKeeper, database: Database) -> None:
        machine.is_like(GPU)
        await keeper.look()
        await database.write(lambda connection: connection.execute("PRAGMA busy_timeout = 0") and None)
        machine.is_like({**GPU, "fault": "it has fallen off the bus (XID 79)"})
        with closing(sqlite3.connect(machine.folder / "control.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageBusyError):
                await keeper.look()
        machine.is_like(GPU)  # the driver has said it once
        await keeper.look()
        assert states(database.read) == {"GPU-aa": "quarantined"}

    machine.during(work)
