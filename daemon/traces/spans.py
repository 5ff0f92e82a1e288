"""From what has changed in a run to the spans that have ended with it: of attempts, of steps, of the run."""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine.states import RUN_ENDED, STEP_ACTIVE, STEP_ENDED, Failure, RunRecord, StepRecord
from tunewright.daemon.store import attempts, events
from tunewright.daemon.traces.context import TraceContext, from_header, span_about

_FAILED = frozenset({"failed", "cancelled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A span that has ended; `error` says why it did not go well."""

    name: str
    context: TraceContext
    parent: TraceContext | None
    start: Milliseconds
    end: Milliseconds
    attributes: Mapping[str, str | int]
    error: str | None = None


def ended_spans(connection: sqlite3.Connection, before: RunRecord, after: RunRecord) -> Iterator[Span]:
    """Yield the spans that end between two states of a run, inner ones first."""
    parent = _caller(connection, after.id)
    run = span_about(parent.trace_id if parent else None, "run", after.id)
    about = {"tunewright.project": after.project, "tunewright.spec": after.spec_name, "tunewright.run": after.id}
    for old, new in zip(before.steps, after.steps, strict=True):
        step = span_about(run.trace_id, "step", after.id, new.name)
        told = {**about, "tunewright.step": new.name, "tunewright.kind": new.kind}
        if old.state in STEP_ACTIVE and new.state not in STEP_ACTIVE:
            yield from _attempt(connection, old, step, told)
        if new.state in STEP_ENDED and old.state not in STEP_ENDED and new.start_time and new.end_time:
            yield Span(
                name=f"step {new.name}",
                context=step,
                parent=run,
                start=new.start_time,
                end=new.end_time,
                attributes={**told, "tunewright.state": new.state, "tunewright.attempts": new.attempt},
                error=_error(new.state, new.failure),
            )
    if after.state in RUN_ENDED and before.state not in RUN_ENDED and after.end_time:
        yield Span(
            name=f"run {after.spec_name}",
            context=run,
            parent=parent,
            start=after.create_time,
            end=after.end_time,
            attributes={**about, "tunewright.state": after.state},
            error=_error(after.state, after.failure),
        )


def _attempt(
    connection: sqlite3.Connection, step: StepRecord, parent: TraceContext, about: Mapping[str, str | int]
) -> Iterator[Span]:
    run = str(about["tunewright.run"])
    found = attempts.get(connection, run, step.name, step.attempt)
    if found is not None and found.end_time is not None:
        outcome = found.outcome or ""
        yield Span(
            name=f"attempt {step.name}",
            context=span_about(parent.trace_id, "attempt", run, step.name, step.attempt),
            parent=parent,
            start=found.start_time,
            end=found.end_time,
            attributes={**about, "tunewright.attempt": step.attempt, "tunewright.outcome": outcome},
            error=None if outcome == "SUCCEEDED" else outcome,
        )


def _caller(connection: sqlite3.Connection, run: str) -> TraceContext | None:
    """Return the call that created a run: it is kept in the run's first event."""
    for event in events.page(connection, run, 0, 1):
        return from_header(json.loads(event.body).get("traceparent"))
    return None


def _error(state: str, failure: Failure | None) -> str | None:
    if state not in _FAILED:
        return None
    return state if failure is None else failure.reason
