"""What the engine knows of a run, as values: states, records, and what can happen to them."""

from collections.abc import Mapping
from dataclasses import field
from enum import StrEnum
from typing import Any

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.queue.resources import NOTHING, Resources
from tunewright.spec.priority import NORMAL
from tunewright.spec.record import record


class RunState(StrEnum):
    """Where a run stands."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


class StepState(StrEnum):
    """Where a step stands."""

    WAITING = "waiting"
    STARTING = "starting"
    RUNNING = "running"
    RETRYING = "retrying"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    REUSED = "reused"
    FAILED = "failed"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


class DeploymentState(StrEnum):
    """Where a deployment stands."""

    LIVE = "live"
    RESTARTING = "restarting"
    STOPPING = "stopping"
    STOPPED = "stopped"
    FAILED = "failed"


#: What a step makes room for that stops for the sake of the machine; no run is called so.
MAINTENANCE = "maintenance"

#: Where runs belong that nobody put elsewhere.
DEFAULT_PROJECT = "default"

RUN_ENDED = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED})
STEP_DONE = frozenset({StepState.SUCCEEDED, StepState.REUSED})
STEP_ENDED = STEP_DONE | {StepState.FAILED, StepState.CANCELLED, StepState.SKIPPED}
STEP_ACTIVE = frozenset({StepState.STARTING, StepState.RUNNING, StepState.CANCELLING})


@record(kw_only=True)
class Failure:
    """Why something did not work; see the message of the same name."""

    reason: str
    message: str
    help: str = ""
    step: str = ""


@record(kw_only=True)
class Requirement:
    """One requirement of a gate, evaluated."""

    written: str
    evaluated: str
    passed: bool


@record(kw_only=True)
class Verdict:
    """What a gate found."""

    passed: bool
    requirements: tuple[Requirement, ...]


@record(kw_only=True)
class StepRecord:
    """A step of a run as stored. What follows `limit_seconds` changes while the run goes on.

    `resources` is what it holds while it runs; `limit_seconds` is after how long an attempt is ended. `preempted_for`
    names the run for which the live attempt was asked to make room; empty for one of another project, None for none.
    """

    name: str
    verb: str
    kind: str
    summary: str
    needs: tuple[str, ...]
    digest: str
    service: bool
    retries: int
    action: str
    because: str
    resources: Resources = NOTHING
    limit_seconds: float | None = None
    state: StepState = StepState.WAITING
    attempt: int = 0
    preempted_for: str | None = None
    artifact: str | None = None
    reused_from: str | None = None
    failure: Failure | None = None
    verdict: Verdict | None = None
    address: str | None = None
    not_before: Milliseconds | None = None
    start_time: Milliseconds | None = None
    end_time: Milliseconds | None = None


@record(kw_only=True)
class RunRecord:
    """A run as stored, without its plan. `version` guards every change; `actor` is who created it.

    `preemptible`: its training stops at a checkpoint where a run of a higher priority needs what it holds.
    """

    id: str
    spec_name: str
    spec_path: str
    base_directory: str
    profile: str
    sets: tuple[str, ...]
    plan_digest: str
    create_time: Milliseconds
    steps: tuple[StepRecord, ...]
    project: str = DEFAULT_PROJECT
    actor: str = ""
    policy_digest: str = ""
    retry_of: str | None = None
    priority: int = NORMAL
    preemptible: bool = True
    state: RunState = RunState.QUEUED
    version: int = 1
    cancel_mode: str | None = None
    cancel_reason: str = ""
    failure: Failure | None = None
    last_sequence: int = 0
    start_time: Milliseconds | None = None
    end_time: Milliseconds | None = None

    def step(self, name: str) -> StepRecord:
        """Return the step called `name`; raise KeyError."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)


@record(kw_only=True)
class Entry:
    """Something to be written to the run's log, in the transaction of the change that it tells of."""

    kind: str
    body: Mapping[str, Any] = field(default_factory=dict)
    step: str = ""
    attempt: int = 0


@record(kw_only=True)
class Reuse:
    """The result of an equal step is at hand."""

    source_run: str
    artifact: str | None = None
    verdict: Verdict | None = None
    address: str | None = None


@record(kw_only=True)
class Begin:
    """An attempt is going to be started."""


@record(kw_only=True)
class Up:
    """The attempt's supervisor lives."""


@record(kw_only=True)
class Ready:
    """The service answers."""

    address: str


@record(kw_only=True)
class Succeed:
    """The work is done and its artifact stored, or the gate was passed."""

    artifact: str | None = None
    verdict: Verdict | None = None
    alert: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)


@record(kw_only=True)
class Fail:
    """The attempt failed; `temporary` when another one may help."""

    failure: Failure
    temporary: bool = False
    verdict: Verdict | None = None
    alert: str = ""


@record(kw_only=True)
class Stopped:
    """The attempt ended because it was asked to, or was kept from starting."""


@record(kw_only=True)
class Cancel:
    """Somebody wants it stopped; `mode` is graceful or now."""

    mode: str
    reason: str = ""


@record(kw_only=True)
class Pause:
    """Somebody wants the run to stop where it can go on later."""

    by: str = ""
    reason: str = ""


@record(kw_only=True)
class Halt:
    """The attempt ended where another one can go on: by itself, or because a pause was wanted; `failure` says why."""

    failure: Failure


@record(kw_only=True)
class Resume:
    """Somebody wants a paused run to go on as it was."""

    by: str = ""
    reason: str = ""


@record(kw_only=True)
class Preempt:
    """A run of a higher priority needs what the attempt holds, or maintenance has begun: it is asked to stop where
    another one can go on.

    `by_run` is empty where the run is of another project: its name is nobody's business here; MAINTENANCE for that.
    """

    by_run: str


@record(kw_only=True)
class Prioritize:
    """Somebody wants a run to be more or less urgent."""

    priority: int
    by: str = ""


@record(kw_only=True)
class Skip:
    """A step that this one needs did not succeed."""

    because: str


StepEvent = (
    Reuse | Begin | Up | Ready | Succeed | Fail | Halt | Stopped | Preempt | Prioritize | Pause | Resume | Cancel | Skip
)
