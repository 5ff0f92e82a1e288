"""Keep the store's devices true to the machine: look every few seconds, sooner when one has just become free."""

import asyncio
import logging
import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from tunewright.daemon.clock import Clock
from tunewright.daemon.devices.cpu import ProcessorOnly
from tunewright.daemon.devices.device import Device, Inventory, InventoryError, Reading, Sample
from tunewright.daemon.devices.health import Sight, first_seen, judge, released
from tunewright.daemon.devices.poller import Poller
from tunewright.daemon.store import devices
from tunewright.daemon.store.database import Database, StorageBusyError, StorageFullError
from tunewright.daemon.store.devices import DeviceRecord, DeviceState
from tunewright.runners.supervision.environment import BUNDLE_NAME

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How often to look, in seconds; `settling`: while memory has to come back, which may take `settle_limit`: a driver
    frees the memory of a process that is dead, but not always at once.
    """

    looking: float = 5.0
    settling: float = 0.25
    settle_limit: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who has a device: `name` is `runs/{run}/steps/{step}`."""

    name: str
    project: str


Leases = Mapping[str, Holder]


class DeviceKeeper:
    """The one place that looks at devices. `samples` are those of the last look, for whoever shows them.

    `leased` answers which devices steps have now, by UUID. `changed` is called when one may be leased that could not
    be before.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        inventory: Inventory,
        bundles: Path,
        leased: Callable[[sqlite3.Connection], Leases] = lambda _: {},
        pace: Pace = Pace(),  # noqa: B008 - frozen
    ) -> None:
        self._database = database
        self._clock = clock
        self._poller = None if isinstance(inventory, ProcessorOnly) else Poller(inventory)
        self._ours = os.fsencode(f"{BUNDLE_NAME}={os.path.realpath(bundles)}/")
        self._leased = leased
        self._pace = pace
        self._bell = asyncio.Event()
        self._looked = asyncio.Event()
        self._said = ""
        self._faults: dict[str, str] = {}
        self._present: tuple[Device, ...] | None = None
        self.samples: Mapping[str, Sample] = {}
        self.changed: Callable[[], None] = lambda: None

    def for_plans(self) -> list[tuple[str, int]] | None:
        """Return name and memory of every device that is here, as plans know them; None where nobody could tell yet.

        A driver that hangs for a while does not turn plans into plans for the processor.
        """
        return None if self._present is None else [item.for_plans for item in self._present]

    def leasable(self, connection: sqlite3.Connection) -> list[Device]:
        """Return the devices that are free and have answered the last look, by place, whether leased or not.

        For the writer's thread: read inside the transaction that leases. A driver that hangs has no devices.
        """
        answering = self.samples.keys()
        return [
            record.device
            for record in devices.every(connection)
            if record.state is DeviceState.FREE and record.uuid in answering
        ]

    def holder(self, uuid: str) -> Holder | None:
        """Return who has a device now, None where nobody has it."""
        return self._leased(self._database.read).get(uuid)

    def wake(self) -> None:
        """Look soon: leases have ended."""
        self._bell.set()

    async def first_look(self) -> None:
        """Wait until the devices have been looked at once."""
        await self._looked.wait()

    async def keep(self) -> None:
        """Look for as long as the daemon lives; once, where there is nothing to look at."""
        while True:
            self._bell.clear()
            try:
                await self.look()
            except (StorageFullError, StorageBusyError) as error:
                _log.warning("devices can't be stored: %s", error)
            finally:  # a look that failed is one: nobody may wait for devices that can't be told
                self._looked.set()
            if self._poller is None:
                return
            try:
                await asyncio.wait_for(self._bell.wait(), self._pause())
            except TimeoutError:
                continue

    async def look(self) -> None:
        """Look once and store what has changed."""
        readings, silence = await self._readings()
        readings = self._with_faults(readings)
        if self._poller is not None and not silence:
            self._present = tuple(item.device for item in readings.values())
        self.samples = {item.device.uuid: item.sample for item in readings.values() if item.sample is not None}
        foreign = await asyncio.to_thread(self._foreign)
        now = self._clock.now()

        def bring_up(connection: sqlite3.Connection) -> bool:
            known = {record.uuid: record for record in devices.every(connection)}
            held = self._leased(connection)
            opened = False
            for uuid in known.keys() | readings.keys():
                reading = readings.get(uuid)
                if reading is None and silence:
                    reading = Reading(device=known[uuid].device, silence=silence)
                before = known.get(uuid)
                sight = Sight(reading=reading, foreign=foreign.get(uuid, frozenset()), leased=uuid in held)
                start = before or first_seen(readings[uuid].device, now)
                after = judge(start, sight, now, self._pace.settle_limit)
                if after != before:
                    devices.put(connection, after)
                    _tell(before, after)
                    opened |= after.state is DeviceState.FREE
            return opened

        if not readings and not devices.every(self._database.read):
            return
        opened = await self._database.write(bring_up)
        self._faults.clear()
        if opened:
            self.changed()

    async def release(self, uuid: str, reason: str) -> DeviceRecord | None:
        """Take a device out of quarantine and return it; None where it is not in quarantine."""
        now, sample = self._clock.now(), self.samples.get(uuid)

        def write(connection: sqlite3.Connection) -> DeviceRecord | None:
            record = devices.get(connection, uuid)
            if record is None or record.state is not DeviceState.QUARANTINED:
                return None
            after = released(record, sample, reason, now)
            devices.put(connection, after)
            return after

        after = await self._database.write(write)
        if after is not None:
            _log.info("device %s was taken out of quarantine: %s", uuid, reason)
            self.wake()
            self.changed()
        return after

    async def _readings(self) -> tuple[Mapping[str, Reading], str]:
        """Return what answers by UUID, and why nothing does."""
        if self._poller is None:
            return {}, ""
        try:
            found = await self._poller.look()
        except InventoryError as error:
            if self._said != str(error):
                self._said = str(error)
                _log.warning("devices can't be looked at: %s", error)
            return {}, str(error)
        self._said = ""
        return {reading.device.uuid: reading for reading in found}, ""

    def _with_faults(self, readings: Mapping[str, Reading]) -> Mapping[str, Reading]:
        """The driver reports a fault once: it stands until it is stored, however often the disk is full before."""
        for uuid, reading in readings.items():
            if reading.sample is not None and reading.sample.fault is not None:
                self._faults[uuid] = reading.sample.fault
        return {uuid: _faulty(reading, self._faults.get(uuid)) for uuid, reading in readings.items()}

    def _foreign(self) -> dict[str, frozenset[int]]:
        samples = self.samples
        return {
            uuid: frozenset(pid for pid in sample.processes if not self._is_ours(pid))
            for uuid, sample in samples.items()
            if sample.processes
        }

    def _is_ours(self, pid: int) -> bool:
        """A process whose environment can't be read belongs to somebody else, or lives outside of our container."""
        try:
            with open(f"/proc/{pid}/environ", "rb") as stream:  # noqa: PTH123
                return any(entry.startswith(self._ours) for entry in stream.read().split(b"\0"))
        except OSError:
            return False

    def _pause(self) -> float:
        waiting = any(record.state is DeviceState.SETTLING for record in devices.every(self._database.read))
        return self._pace.settling if waiting else self._pace.looking


def _faulty(reading: Reading, fault: str | None) -> Reading:
    if fault is None or reading.sample is None:
        return reading
    return replace(reading, sample=replace(reading.sample, fault=fault))


def _tell(before: DeviceRecord | None, after: DeviceRecord) -> None:
    if before is not None and before.state is after.state:
        return
    level = logging.INFO if after.state in (DeviceState.FREE, DeviceState.SETTLING) else logging.WARNING
    _log.log(
        level, "device %s (%s) is %s%s", after.uuid, after.name, after.state, f": {after.reason}" * bool(after.reason)
    )
