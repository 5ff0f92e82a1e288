"""What there is to be given out, at one moment."""

from dataclasses import dataclass

from tunewright.daemon.devices.device import Device
from tunewright.daemon.queue.resources import Resources


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """Devices, CPU slots and main memory of the machine. `withheld` are the devices that are there and that nobody
    gets at the moment (one settles, is used by others, or is in quarantine), each with how it stands.
    `closed` says why nothing begins, None where things do.
    """

    devices: tuple[Device, ...] = ()
    withheld: tuple[tuple[str, str], ...] = ()
    slots: int = 1
    memory_bytes: int = 0
    closed: str | None = None

    @property
    def total(self) -> Resources:
        """All that there is, withheld or not."""
        return Resources(devices=len(self.devices), slots=self.slots, memory_bytes=self.memory_bytes)

    @property
    def units(self) -> tuple[str, ...]:
        """The names of what is leased: UUIDs of devices, and slots."""
        withheld = {uuid for uuid, _ in self.withheld}
        devices = (device.uuid for device in self.devices if device.uuid not in withheld)
        return (*devices, *(slot_name(number) for number in range(self.slots)))


_SLOT = "cpu:"


def slot_name(number: int) -> str:
    """Return the name of a CPU slot."""
    return f"{_SLOT}{number}"


def is_slot(unit: str) -> bool:
    """Answer whether a unit is a CPU slot, not a device."""
    return unit.startswith(_SLOT)
