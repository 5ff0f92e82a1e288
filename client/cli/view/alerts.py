"""Alerts and sinks as tables."""

from collections.abc import Sequence

from tunewright.client.alert_values import Alert, AlertSink
from tunewright.client.cli.view.lists import table, time_text
from tunewright.compiler.render.plain import clean_line


def alerts_table(alerts: Sequence[Alert]) -> str:
    """Return one line an alert, and a second one where something hinders it."""
    rows = [("alert", "raised", "to", "state", "what")]
    for item in alerts:
        count = f" ({item.count} times)" if item.count > 1 else ""
        tries = f", {item.tries} tries" if item.tries > 1 else ""
        hindered = f"  [{item.problem}{tries}]" if item.problem else ""
        what = clean_line(f"{item.severity}: {item.message}{count}{hindered}")
        rows.append((item.id, time_text(item.create_time), item.sink, item.state, what))
    return table(rows, "no alerts")


def sinks_table(sinks: Sequence[AlertSink]) -> str:
    """Return one line a sink."""
    rows = [("sink", "by", "from", "projects")]
    rows += [(item.name, item.channel, item.severity, ", ".join(item.projects) or "all") for item in sinks]
    return table(rows, "the daemon has no sinks: name some in its alerts.yaml (docs/alerts.md)")
