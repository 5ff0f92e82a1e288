"""`alerts`: who is told of what."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from tunewright.spec.model.section import Duration, Section, one_or_more

Severity = Literal["info", "warning", "critical"]

SinkName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,62}$")]
"""The name of a place that alerts go to: lower-case letters, digits, `_`, `-`."""

AlertWord = Literal[
    "run_succeeded",
    "run_failed",
    "run_cancelled",
    "run_paused",
    "step_failed",
    "step_retrying",
    "gate_failed",
    "watchdog",
    "deployment_unhealthy",
    "deployment_failed",
]


class Alert(Section):
    """One rule: exactly one of `events`, `when` and `queued_for`, and whom it tells."""

    events: Annotated[tuple[AlertWord, ...], BeforeValidator(one_or_more), Field(min_length=1)] | None = None
    """What happens to the run, its steps or its services."""

    when: str | None = None
    """A condition over figures, such as `steps.sft.loss > 5`: told when it becomes true."""

    queued_for: Duration | None = None
    """The run has waited this long and not begun."""

    to: Annotated[tuple[SinkName, ...], BeforeValidator(one_or_more), Field(min_length=1)]
    """Who is told: names of sinks in the daemon's `alerts.yaml`."""

    severity: Severity | None = None
    """How bad it is."""
