"""Factories of what a daemon answers."""

from datetime import UTC, datetime, timedelta
from typing import Any

from tunewright.client.cli.view.progress import RunProgress
from tunewright.client.values import Run, RunEvent, RunStep

BEGIN = datetime(2026, 11, 21, 20, 0, tzinfo=UTC)


def an_event(
    sequence: int, kind: str, *, step: str = "sft", attempt: int = 1, second: float = 0, **body: Any
) -> RunEvent:
    """Return an event so many seconds after the beginning."""
    return RunEvent(
        sequence=sequence, time=BEGIN + timedelta(seconds=second), step=step, attempt=attempt, kind=kind, body=body
    )


def a_step(name: str, state: str = "waiting", **more: Any) -> RunStep:
    """Return a step of a run."""
    fields: dict[str, Any] = {
        "verb": "train",
        "kind": "train.trl",
        "summary": "",
        "needs": (),
        "action": "create",
        "because": "",
        "digest": "sha256:00",
        "attempt": 1,
        "artifact": "",
        "reused_from": "",
        "failure": None,
        "verdict": None,
        "address": "",
        "start_time": None,
        "end_time": None,
    }
    return RunStep(step=name, state=state, **{**fields, **more})


def a_run(*steps: RunStep, state: str = "running", **more: Any) -> Run:
    """Return a run."""
    fields: dict[str, Any] = {
        "id": "20261121-200000-ab12",
        "spec_name": "support",
        "spec_path": "life.yaml",
        "profile": "",
        "sets": (),
        "plan_digest": "sha256:01",
        "failure": None,
        "retry_of": "",
        "last_sequence": 0,
        "etag": "",
        "create_time": BEGIN,
        "start_time": BEGIN,
        "end_time": None,
    }
    return Run(steps=steps, state=state, **{**fields, **more})


def folded(*events: RunEvent) -> RunProgress:
    """Return the progress that events make."""
    progress = RunProgress()
    for event in events:
        progress.take(event)
    return progress
