"""The machine as it stands now: its devices as they are kept in the store, its slots and memory as it was started."""

import sqlite3
from dataclasses import dataclass

from tunewright.daemon.devices.keeper import DeviceKeeper, Holder
from tunewright.daemon.engine.maintenance import MaintenanceKeeper
from tunewright.daemon.queue.machine import Machine, is_slot
from tunewright.daemon.store import devices, leases
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.devices import DeviceState


def device_holders(connection: sqlite3.Connection) -> dict[str, Holder]:
    """Return who has each device that is leased."""
    return {
        lease.unit: Holder(name=f"runs/{lease.run}/steps/{lease.step}", project=lease.project)
        for lease in leases.every(connection)
        if not is_slot(lease.unit)
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Answers what there is to be given out."""

    database: Database
    keeper: DeviceKeeper
    maintenance: MaintenanceKeeper
    slots: int
    memory_bytes: int

    def __call__(self) -> Machine:
        """Return it; a device that is missing is none of the machine's any more."""
        connection = self.database.read
        here = [record for record in devices.every(connection) if record.state is not DeviceState.MISSING]
        leasable = {device.uuid for device in self.keeper.leasable(connection)}
        maintenance = self.maintenance.current(connection)
        return Machine(
            devices=tuple(record.device for record in here),
            withheld=tuple((record.uuid, str(record.state)) for record in here if record.uuid not in leasable),
            slots=self.slots,
            memory_bytes=self.memory_bytes,
            closed=None if maintenance is None else f"maintenance ({maintenance.reason})",
        )
