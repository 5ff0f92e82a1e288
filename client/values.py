"""What the typed client answers: frozen values, free of gRPC, cheap to import. Times are aware and in UTC; states are
lower-case words.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tunewright.client.machine_values import Maintenance

RUN_ENDED = frozenset({"succeeded", "failed", "cancelled"})
STEP_ENDED = frozenset({"succeeded", "reused", "failed", "cancelled", "skipped"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SpecSource:
    """A spec and what decides its meaning: text, label for diagnostics, absolute folder for relative paths, profile,
    `path=value` changes, values of the `${env:NAME}` references; the lock that pins its models, `locked` when nothing
    may differ from it; the project it belongs to (empty: the caller's own).
    """

    text: str
    path: str = "life.yaml"
    base_directory: str = ""
    profile: str = ""
    sets: tuple[str, ...] = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    lock: str = ""
    lock_path: str = ""
    locked: bool = False
    project: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A stretch of a file; lines and UTF-16 columns from 1, end exclusive; 0 where a whole line or file is meant."""

    path: str
    start_line: int = 0
    start_column: int = 0
    end_line: int = 0
    end_column: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A second place of a diagnostic."""

    span: Span
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """A change of the text that would settle a diagnostic."""

    span: Span
    replacement: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One thing wrong with a spec. `severity`: error, warning or note."""

    code: str
    name: str
    severity: str
    message: str
    span: Span | None = None
    labels: tuple[Label, ...] = ()
    help: str = ""
    note: str = ""
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StepAction:
    """What a run would do with a step. `action`: create, reuse, rerun or remove."""

    step: str
    action: str
    because: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Compiled:
    """The answer to a spec: `plan` is the sealed plan's JSON object, None when there are errors."""

    diagnostics: tuple[Diagnostic, ...]
    plan: Mapping[str, Any] | None
    plan_digest: str
    actions: tuple[StepAction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """Why something did not work: UPPER_SNAKE reason, a sentence, what to change, the step it happened to."""

    reason: str
    message: str
    help: str = ""
    step: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Requirement:
    """One requirement of a gate: as written, with its numbers, and whether it holds."""

    written: str
    evaluated: str
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a gate found."""

    passed: bool
    requirements: tuple[Requirement, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Why a step that could begin does not: ACCELERATORS, SLOT, MEMORY, RESERVED, PREEMPTING or
    MAINTENANCE, and a sentence;
    `position` is its place in the queue, from 1, `behind` the run just before it, empty where there is none to be seen.
    """

    reason: str
    message: str
    position: int
    behind: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStep:
    """A step of a run. `state`: waiting, starting, running, retrying, paused, cancelling, succeeded, reused, failed,
    cancelled, skipped.
    """

    step: str
    verb: str
    kind: str
    summary: str
    needs: tuple[str, ...]
    state: str
    action: str
    because: str
    digest: str
    attempt: int
    artifact: str
    reused_from: str
    failure: Failure | None
    verdict: Verdict | None
    address: str
    start_time: datetime | None
    end_time: datetime | None
    waiting: Waiting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A run. `state`: queued, running, pausing, paused, cancelling, succeeded, failed, cancelled. `retry_of` is empty
    or a run id.
    """

    id: str
    spec_name: str
    spec_path: str
    profile: str
    sets: tuple[str, ...]
    plan_digest: str
    state: str
    steps: tuple[RunStep, ...]
    failure: Failure | None
    retry_of: str
    last_sequence: int
    etag: str
    create_time: datetime | None
    start_time: datetime | None
    end_time: datetime | None
    project: str = "default"
    actor: str = ""
    policy_digest: str = ""
    priority: int = 0
    preemptible: bool = True

    @property
    def paused(self) -> bool:
        """Whether it rests until somebody lets it go on."""
        return self.state == "paused"

    @property
    def ended(self) -> bool:
        """Whether the run's state is final."""
        return self.state in RUN_ENDED

    def step(self, name: str) -> RunStep:
        """Return the step called `name`; raise KeyError."""
        for step in self.steps:
            if step.step == name:
                return step
        raise KeyError(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunDetail:
    """A run with its plan's JSON object and the spec's text."""

    run: Run
    plan: Mapping[str, Any]
    spec_text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatedRun:
    """A run that was stored (or, when only validated, would have been: its id is empty)."""

    run: Run
    diagnostics: tuple[Diagnostic, ...]
    plan: Mapping[str, Any]
    actions: tuple[StepAction, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEvent:
    """One entry of a run's log; `body` holds the fields of its kind. `step` is empty and `attempt` 0 where the whole
    run is meant; `actor` is who did it, `daemon` for what the daemon does by itself.
    """

    sequence: int
    time: datetime
    step: str
    attempt: int
    kind: str
    body: Mapping[str, Any] = field(default_factory=dict)
    actor: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogChunk:
    """Some bytes of a log and where the next ones start."""

    data: bytes
    next_offset: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """What a step left behind. `digest`: `sha256:<hex>` of the tree; `run` is a run id."""

    digest: str
    role: str
    kind: str
    run: str
    step: str
    step_digest: str
    spec_name: str
    size_bytes: int
    file_count: int
    path: str
    intact: bool
    create_time: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployment:
    """A service that stays. `state`: live, stopping, stopped, failed; `run` is a run id."""

    id: str
    revision: int
    spec_name: str
    step: str
    run: str
    step_digest: str
    state: str
    address: str
    failure: Failure | None
    create_time: datetime | None
    end_time: datetime | None
    etag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What a training measured at one moment; `training_step` counts its updates."""

    step: str
    attempt: int
    position: int
    time: datetime
    training_step: int | None
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Garbage:
    """One thing that goes, or has gone. `kind`: artifact, checkpoints, logs."""

    kind: str
    subject: str
    project: str
    size_bytes: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection:
    """What was collected, or would be; `garbage` are the first thousand of `count`. `retention` is what was held to:
    days by kind, and `keep_last` runs of each spec.
    """

    retention: Mapping[str, int]
    garbage: tuple[Garbage, ...]
    count: int
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Something that is never collected; `subject` is `runs/ID` or `artifacts/HEX`."""

    id: str
    subject: str
    project: str
    reason: str
    create_time: datetime | None
    created_by: str
    release_time: datetime | None
    released_by: str
    release_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerInfo:
    """Who answers. `steps_limited`: steps are kept within their `resources`; `limits_reason` says how, or why not."""

    version: str
    min_client_version: str
    capabilities: tuple[str, ...]
    home: str
    store_id: str
    pid: int
    private: bool
    addresses: tuple[str, ...]
    active_runs: int
    live_deployments: int
    start_time: datetime | None
    maintenance: Maintenance | None = None
    steps_limited: bool = False
    limits_reason: str = ""
