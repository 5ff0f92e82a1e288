"""What the events of a run say so far: a fold that the live table, the plain lines and the summary read."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tunewright.client.values import RunEvent

_CURVE_POINTS = 240


@dataclass(frozen=True, slots=True)
class Measured:
    """One figure of an evaluation; `error` is the standard error where it is known."""

    suite: str
    metric: str
    value: float
    rows: int | None
    error: float | None


@dataclass(slots=True)
class StepProgress:
    """What one step's last attempt has reported."""

    attempt: int = 0
    phase: str = ""
    done: float = 0.0
    total: float = 0.0
    unit: str = ""
    eta_seconds: float | None = None
    values: dict[str, float] = field(default_factory=dict)
    losses: deque[float] = field(default_factory=lambda: deque(maxlen=_CURVE_POINTS))
    summary: dict[str, Any] = field(default_factory=dict)
    measured: dict[tuple[str, str], Measured] = field(default_factory=dict)
    sample: tuple[str, str] | None = None
    warnings: list[str] = field(default_factory=list)
    _first: tuple[datetime, float] | None = None

    @property
    def share(self) -> float | None:
        """Return how much is done, from 0 to 1; None where the runner has not said."""
        return min(1.0, max(0.0, self.done / self.total)) if self.total > 0 else None

    def advance(self, time: datetime, body: Mapping[str, Any]) -> None:
        """Take a `progress` event; where the runner gives no time left, it follows from the pace."""
        done, total = _number(body.get("done")), _number(body.get("total"))
        if done is None or total is None:
            return
        unit = str(body.get("unit", ""))
        if self._first is None or unit != self.unit or done < self.done:
            self._first = (time, done)
        self.done, self.total, self.unit = done, total, unit
        self.eta_seconds = _number(body.get("eta_seconds"))
        started, from_done = self._first
        if self.eta_seconds is None and done > from_done:
            self.eta_seconds = (total - done) * (time - started).total_seconds() / (done - from_done)

    def measure(self, body: Mapping[str, Any]) -> None:
        """Take a `metric` event."""
        values = body.get("values")
        for name, item in values.items() if isinstance(values, Mapping) else ():
            number = _number(item)
            if number is not None:
                self.values[str(name)] = number
                if name == "loss":
                    self.losses.append(number)

    def evaluate(self, body: Mapping[str, Any]) -> None:
        """Take an `evaluation` event."""
        value = _number(body.get("value"))
        if value is not None:
            suite, metric = str(body.get("suite", "")), str(body.get("metric", ""))
            rows, error = _number(body.get("rows")), _number(body.get("error"))
            self.measured[suite, metric] = Measured(suite, metric, value, int(rows) if rows else None, error)


@dataclass(slots=True)
class RunProgress:
    """All steps of a run that have reported something, and the last sequence that was taken."""

    steps: dict[str, StepProgress] = field(default_factory=dict)
    last_sequence: int = 0
    cancelled_because: str = ""

    def of(self, step: str) -> StepProgress:
        """Return what a step has reported; nothing yet is an empty progress."""
        return self.steps.get(step) or StepProgress()

    def take(self, event: RunEvent) -> bool:
        """Take an event; say whether a runner made it (the others are the engine's: some state has changed)."""
        self.last_sequence = max(self.last_sequence, event.sequence)
        if event.kind == "run_cancelling":
            self.cancelled_because = str(event.body.get("reason", ""))
        if not event.step or event.kind not in _RUNNER_KINDS:
            return False
        step = self.steps.get(event.step)
        if step is None or step.attempt != event.attempt:
            step = self.steps[event.step] = StepProgress(attempt=event.attempt)
        body = event.body
        match event.kind:
            case "phase":
                name = str(body.get("name", ""))
                # The end is told by the step's state; the last thing that was done says more.
                step.phase = step.phase if name == "done" else name
            case "progress":
                step.advance(event.time, body)
            case "metric":
                step.measure(body)
            case "evaluation":
                step.evaluate(body)
            case "summary":
                values = body.get("values")
                step.summary.update(values if isinstance(values, Mapping) else {})
            case "sample":
                step.sample = str(body.get("prompt", "")), str(body.get("reply", ""))
            case "warning":
                step.warnings.append(str(body.get("message", "")))
        return True


_RUNNER_KINDS = frozenset(
    {
        "phase",
        "progress",
        "metric",
        "evaluation",
        "summary",
        "sample",
        "warning",
        "checkpoint",
        "heartbeat",
        "artifact",
        "watchdog",
        "rollback",
        "paused",
    }
)


def _number(value: Any) -> float | None:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None
