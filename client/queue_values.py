"""The queue of a daemon, as values."""

from dataclasses import dataclass
from datetime import datetime

from tunewright.client.values import Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class Supply:
    """Amounts of what steps share: accelerators, CPU slots, bytes of main memory."""

    devices: int
    slots: int
    memory_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuedStep:
    """A step that waits, what it needs at once, and why it does not begin."""

    run: str
    step: str
    spec_name: str
    project: str
    priority: int
    needs: Supply
    waiting: Waiting


@dataclass(frozen=True, slots=True, kw_only=True)
class HoldingStep:
    """A step that has something of the machine; `devices` are the UUIDs of its accelerators.

    `leaving`: it was asked to stop.
    """

    run: str
    step: str
    spec_name: str
    project: str
    priority: int
    holds: Supply
    devices: tuple[str, ...]
    start_time: datetime | None
    preemptible: bool
    leaving: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """Who waits, in order, and who has the machine. `others` counts steps that wait in projects not to be seen."""

    steps: tuple[QueuedStep, ...]
    others: int
    holding: tuple[HoldingStep, ...]
    total: Supply
    free: Supply
