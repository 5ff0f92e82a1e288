"""What a sink is sent: one canonical JSON object a message."""

from datetime import UTC, datetime

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.store.alerts import MANY, AlertRecord
from tunewright.spec.canonical import canonical_json

_MOST_WORDS = 2000


def body_of(alert: AlertRecord, server: str) -> str:
    """Return the message of an alert; equal for every try. `server` is the id of the daemon's store."""
    data = {
        "id": alert.id,
        "severity": alert.severity,
        "message": _message(alert),
        "project": alert.project,
        "spec": alert.spec_name,
        "run": alert.run,
        "step": alert.step,
        "attempt": alert.attempt,
        "sequence": alert.sequence,
        "rule": alert.rule,
        "reason": alert.reason,
        "help": alert.help,
        "count": alert.count,
        "tally": dict(alert.tally),
        "first_time": _time(alert.create_time),
        "last_time": _time(alert.last_time),
        "server": server,
    }
    whole = {"type": alert.kind, "timestamp": _time(alert.create_time), "data": data}
    return canonical_json(whole).decode("utf-8")


def _message(alert: AlertRecord) -> str:
    if alert.kind == MANY:
        kinds = ", ".join(f"{count} x {kind}" for kind, count in sorted(alert.tally.items()))
        return f"more alerts than are sent one by one: {kinds}; the last: {alert.message}"[:_MOST_WORDS]
    return alert.message[:_MOST_WORDS]


def _time(moment: Milliseconds) -> str:
    return datetime.fromtimestamp(moment / 1000, tz=UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
