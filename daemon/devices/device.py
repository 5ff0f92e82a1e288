"""What a machine computes on, as values: its devices, and how each of them is at one moment."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from tunewright.compiler.facts.accelerators import recognise


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One device that a step can have for itself. `name` is the driver's own.

    `uuid` names it for ever, and is what runners get; `index` may change with a restart and is for people. `parent` is
    the UUID of the device that a MIG instance is cut from: two instances share its processor's faults, not its memory.
    """

    uuid: str
    index: int
    name: str
    memory_bytes: int
    parent: str | None = None

    @property
    def kind(self) -> str:
        """Return the name that specs use (`a100-80gb`), the driver's for a device that the table does not know."""
        if self.parent is not None:  # an instance is called after the device it is a part of
            return self.name
        model = recognise(self.name)
        return self.name if model is None else model.name

    @property
    def for_plans(self) -> tuple[str, int]:
        """Return name and memory as plans know them: the table's, by which they are the same on every such machine."""
        model = None if self.parent is not None else recognise(self.name)
        return (self.name, self.memory_bytes) if model is None else (model.name, model.memory_bytes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """How a device is at one moment; None for what it does not tell.

    `utilization` is a share (0 to 1). `processes` are the pids that compute on it. `uncorrectable_errors` counts memory
    errors since the driver was loaded; `fault` says what the driver has reported since the last look.
    """

    memory_used_bytes: int
    utilization: float | None = None
    temperature_celsius: float | None = None
    power_watts: float | None = None
    processes: frozenset[int] = frozenset()
    uncorrectable_errors: int | None = None
    fault: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A device and how it is; no sample where it does not answer, and `silence` says why."""

    device: Device
    sample: Sample | None = None
    silence: str = ""


class InventoryError(RuntimeError):
    """The devices can't be told at this moment; the message says why."""


class Inventory(Protocol):
    """Finds out which devices there are. Calls may take long, or never return: see `poller.py`."""

    def read(self) -> tuple[Reading, ...]:
        """Return every device that this process may use with a sample; raise InventoryError when nothing answers."""
        ...


def only(readings: tuple[Reading, ...], visible: str | None) -> tuple[Reading, ...]:
    """Return those that `CUDA_VISIBLE_DEVICES` leaves this process, in its order; all of them when it is not set.

    As CUDA does: an index or the beginning of a UUID each, and nothing after the first word that fits no device.
    """
    return readings if visible is None else tuple(_named(readings, visible))


def _named(readings: tuple[Reading, ...], visible: str) -> Iterator[Reading]:
    for word in (part.strip() for part in visible.split(",")):
        fitting = [reading for reading in readings if _fits(reading.device, word)]
        if not fitting:
            return
        yield from fitting


def _fits(device: Device, word: str) -> bool:
    if word.isdecimal():
        return device.index == int(word)
    return bool(word) and (device.uuid.startswith(word) or device.parent == word)
