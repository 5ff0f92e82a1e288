"""What a daemon says of alerts, as values."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert to one sink; `state` is pending, delivered or dead, `run` empty for a test."""

    id: str
    sink: str
    project: str
    spec: str
    run: str
    step: str
    kind: str
    severity: str
    rule: str
    message: str
    state: str
    tries: int
    problem: str
    count: int
    create_time: datetime | None
    next_time: datetime | None
    end_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertSink:
    """A place that alerts go to; `projects` are those whose specs may name it, none for all."""

    name: str
    channel: str
    severity: str
    projects: tuple[str, ...]
