"""From what a runner says to what the run's log holds."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

from tunewright.daemon.clock import Milliseconds, parse_time
from tunewright.daemon.engine.states import Entry, StepRecord
from tunewright.daemon.store import events
from tunewright.daemon.store.attempts import Attempt, Progress
from tunewright.daemon.supervise import Event

_MAX_SAFE_INTEGER = 2**53 - 1
_MAX_DEPTH = 16
_MAX_KIND = 64
#: Words of the daemon's own entries: nobody takes what a runner says for what the daemon saw, or is alerted by it.
_OWN = re.compile(r"(?:run|step|deployment|gate|alert)(?:_.*)?", re.DOTALL)
#: The newest points of training that go into the log at one look; all of them go into the store of points.
POINTS_A_LOOK = 10


def progress(attempt: Attempt, step: StepRecord, found: Sequence[Event], offset: int, now: Milliseconds) -> Progress:
    """Return what to store of what was read up to a byte offset."""
    role = address = None
    lines = []
    too_many = max(0, sum(event.kind == "metric" for event in found) - POINTS_A_LOOK)
    left_out = 0
    sequence = attempt.events_sequence
    for event in found:
        sequence = max(sequence, event.seq)
        if event.kind == "artifact":
            role = str(event.fields.get("role", "")) or role
        if event.kind == "ready":
            address = str(event.fields.get("address", "")) or address
        if event.kind == "metric" and left_out < too_many:
            left_out += 1
            continue
        body = {str(name): storable(value) for name, value in event.fields.items()}
        if event.kind == "metric" and left_out:
            body["left_out"], too_many, left_out = left_out, 0, 0
        entry = Entry(kind=_kind(event.kind), step=step.name, attempt=attempt.number, body=body)
        lines.append(events.line(entry, parse_time(event.time, now)))
    return Progress(lines=lines, offset=offset, sequence=sequence, role=role, address=address)


def _kind(said: str) -> str:
    return f"runner.{said}"[:_MAX_KIND] if _OWN.fullmatch(said) else said[:_MAX_KIND]


def storable(value: Any, depth: int = 0) -> Any:
    """Return a JSON value that has a canonical form: a foreign runner may write NaN, huge integers or broken text."""
    match value:
        case bool() | None:
            return value
        case int() if abs(value) > _MAX_SAFE_INTEGER:
            return str(value)
        case float() if not math.isfinite(value):
            return repr(value)
        case str():
            return value.encode("utf-8", "replace").decode("utf-8")
        case list() | Mapping() if depth == _MAX_DEPTH:
            return "..."
        case list():
            return [storable(item, depth + 1) for item in value]
        case Mapping():
            return {storable(str(name)): storable(item, depth + 1) for name, item in value.items()}
        case _:
            return value
