"""Devices in the store: what is known of each, and which may be leased.

A lease is a row of its own (`leases`); the state here says whether there may be one.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from enum import StrEnum

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.devices.device import Device
from tunewright.daemon.store import machine_log
from tunewright.daemon.store.machine_log import MachineEntry


class DeviceState(StrEnum):
    """How a device stands apart from who has leased it. Only a free one may be leased."""

    FREE = "free"
    SETTLING = "settling"
    """A step has ended and its memory has not come back yet."""
    FOREIGN = "foreign"
    """Something that is not ours computes there."""
    QUARANTINED = "quarantined"
    """It kept memory of a step that has ended, or is broken: a person has to look at it."""
    MISSING = "missing"
    """It was here and does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceRecord:
    """A device as stored. `idle_bytes`: memory that is in use when nobody computes; `known_errors`: uncorrectable
    memory errors that somebody has accepted.
    """

    uuid: str
    position: int
    name: str
    memory_bytes: int
    parent: str | None
    state: DeviceState
    reason: str
    change_time: Milliseconds
    idle_bytes: int | None
    known_errors: int

    @property
    def device(self) -> Device:
        """Return the device itself."""
        return Device(
            uuid=self.uuid, index=self.position, name=self.name, memory_bytes=self.memory_bytes, parent=self.parent
        )


def get(connection: sqlite3.Connection, uuid: str) -> DeviceRecord | None:
    """Return a device, None for one that was never here."""
    row = connection.execute("SELECT * FROM devices WHERE uuid = ?", (uuid,)).fetchone()
    return None if row is None else _record(row)


def every(connection: sqlite3.Connection) -> list[DeviceRecord]:
    """Return all devices that were ever here, by place."""
    return [_record(row) for row in connection.execute("SELECT * FROM devices ORDER BY position, uuid").fetchall()]


def put(connection: sqlite3.Connection, record: DeviceRecord) -> None:
    """Store a device; a change of its state is noted with it."""
    earlier = get(connection, record.uuid)
    connection.execute(
        "INSERT OR REPLACE INTO devices VALUES"
        " (:uuid, :position, :name, :memory_bytes, :parent, :state, :reason, :change_time, :idle_bytes, :known_errors)",
        asdict(record),
    )
    if earlier is None or earlier.state is not record.state:
        kind = f"device_{record.state}"
        machine_log.append(
            connection, MachineEntry(time=record.change_time, kind=kind, subject=record.uuid, reason=record.reason)
        )


def had_by(run: str, step: str) -> str:
    """Return the reason why a device settles: the step whose lease has just ended."""
    return f"step {step} of run {run} has ended"


def reason_for(reason: str, may_see: Callable[[str], bool]) -> str:
    """Return a reason for somebody who may not see every run: those of others are not named."""
    return _HAD_BY.sub(lambda match: match[0] if may_see(match[1]) else "a step of another project has ended", reason)


_HAD_BY = re.compile(had_by(r"(\S+)", r"\S+"))


def settle(connection: sqlite3.Connection, uuids: Iterable[str], reason: str, now: Milliseconds) -> None:
    """Keep devices whose lease has just ended until their memory has come back; `reason` names who had them.

    Call it in the transaction that ends the lease, and `DeviceKeeper.wake()` after it.
    """
    for uuid in uuids:
        record = get(connection, uuid)
        if record is not None and record.state is DeviceState.FREE:
            put(connection, replace(record, state=DeviceState.SETTLING, reason=reason, change_time=now))


def _record(row: sqlite3.Row) -> DeviceRecord:
    values = dict(row)
    return DeviceRecord(**{**values, "state": DeviceState(values["state"])})
