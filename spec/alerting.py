"""The words of alerts: what may be told, and how bad it is. Standard library only."""

from collections.abc import Mapping

from tunewright.spec.record import record

#: From the mildest to the worst.
SEVERITIES = ("info", "warning", "critical")


@record
class AlertEvent:
    """Something that happens to a run or a service: how bad it is unless a rule says otherwise, and what it means."""

    severity: str
    meaning: str


EVENTS: Mapping[str, AlertEvent] = {
    "run_succeeded": AlertEvent("info", "Every step is done."),
    "run_failed": AlertEvent("critical", "The run has ended because a step failed."),
    "run_cancelled": AlertEvent("info", "The run has stopped because somebody asked for it."),
    "run_paused": AlertEvent("warning", "The run rests until somebody resumes it: its watch, or somebody, paused it."),
    "step_failed": AlertEvent("critical", "A step has failed for good."),
    "step_retrying": AlertEvent("warning", "An attempt failed, and another one follows."),
    "gate_failed": AlertEvent("critical", "A gate whose `on_fail` is `stop_and_alert` or `alert` says no."),
    "watchdog": AlertEvent("warning", "The watch of a training tripped, a step hung, or memory was used up."),
    "deployment_unhealthy": AlertEvent("warning", "A service ended or did not answer; it is started again."),
    "deployment_failed": AlertEvent("critical", "A service has ended by itself and is given up, as in a crash loop."),
}

#: Severity of what a condition or a long wait tells, unless a rule says otherwise.
OTHERWISE = "warning"


def worst(severities: tuple[str, ...]) -> str:
    """Return the worst of some severities."""
    return max(severities, key=SEVERITIES.index)
