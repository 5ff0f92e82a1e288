"""The machine that a daemon works on, as values."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineEvent:
    """One entry of the log of the machine. `subject` is a device's UUID, empty for maintenance; `actor` a person or the
    daemon.
    """

    sequence: int
    time: datetime | None
    kind: str
    subject: str
    actor: str
    reason: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """An accelerator. `state`: free, leased, settling, foreign, quarantined, missing; `holder` is the run and the step
    that has it, where the caller may see them. None for what the driver does not tell; `utilization` is a share.
    """

    uuid: str
    index: int
    model: str
    kind: str
    memory_bytes: int
    parent: str
    state: str
    reason: str
    change_time: datetime | None
    holder: tuple[str, str] | None
    memory_used_bytes: int | None
    utilization: float | None
    temperature_celsius: float | None
    power_watts: float | None
    processes: tuple[int, ...]
    uncorrectable_errors: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Maintenance:
    """No step begins. `checkpoint`: steps that run are asked to stop where they can go on, and at `deadline` in any
    case; `running_steps` are left.
    """

    reason: str
    checkpoint: bool
    deadline: datetime | None
    begin_time: datetime | None
    begun_by: str
    running_steps: int
