"""What becomes of a service that has ended by itself: started again after a pause, or given up. Pure."""

from dataclasses import dataclass

from tunewright.compiler.ir.plan import Supervision
from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine.backoff import backoff_milliseconds
from tunewright.daemon.engine.states import DeploymentState, Failure
from tunewright.daemon.store.deployments import DeploymentRecord


@dataclass(frozen=True, slots=True)
class Again:
    """It is started once more after `pause`; that makes `restarts` in a row."""

    restarts: int
    pause: Milliseconds


def after_failure(
    record: DeploymentRecord, supervision: Supervision | None, failure: Failure, now: Milliseconds
) -> Again | Failure:
    """Return how a service goes on that has failed, or why it does not."""
    if supervision is None or not supervision.restarts:
        return failure
    restarts = 1 if _was_stable(record, supervision, now) else record.restarts + 1
    if restarts <= supervision.restarts:
        return Again(restarts, backoff_milliseconds(restarts, int(supervision.pause_seconds * 1000)))
    message = (
        f"it has ended {restarts} times in a row, never live for {supervision.stable_seconds:g} s;"
        f" the last time: {failure.reason}: {failure.message}"
    )
    return Failure(reason="CRASH_LOOP", message=message, help=failure.help or "see the step's log, then run it again")


def _was_stable(record: DeploymentRecord, supervision: Supervision, now: Milliseconds) -> bool:
    live = record.state is DeploymentState.LIVE and record.ready_time is not None
    return live and now - (record.ready_time or now) >= supervision.stable_seconds * 1000
