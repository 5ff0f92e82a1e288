"""Defaults of the rules of `alerts`."""

from tunewright.compiler.ir.resolved import ResolvedAlert
from tunewright.compiler.passes.provenance import Chooser
from tunewright.spec.alerting import EVENTS, OTHERWISE, worst
from tunewright.spec.model.alert import Alert
from tunewright.spec.model.section import parse_duration


def default_alert(alert: Alert, chooser: Chooser) -> ResolvedAlert:
    """Return a rule with its severity."""
    for key in ("events", "when", "queued_for", "to"):
        if getattr(alert, key) is not None:
            chooser.written(key)
    events = alert.events or ()

    def severity() -> tuple[str, str]:
        if not events:
            return OTHERWISE, "conditions and waits warn"
        return worst(tuple(EVENTS[event].severity for event in events)), "the worst of its events"

    return ResolvedAlert(
        to=alert.to,
        severity=chooser.derived("severity", alert.severity, severity),
        events=events,
        when=alert.when,
        queued_seconds=parse_duration(alert.queued_for) if alert.queued_for is not None else None,
    )
