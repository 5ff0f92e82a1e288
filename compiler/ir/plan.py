"""The plan: the narrow waist between what is known about models and what is run. Plain frozen data with one canonical
JSON form.
"""

from collections.abc import Mapping
from dataclasses import field
from typing import Any

from tunewright.spec.canonical import digest_of
from tunewright.spec.record import record

PLAN_VERSION = 1

Verb = str
"""`fetch`, `train`, `evaluate`, `gate`, `approve`, `export` or `deploy`."""


#: What steps got after the first release: left out where there is none, so that plans sealed before keep their digest.
LATER_STEP_FIELDS = ("supervision", "resources")


@record(kw_only=True)
class StepInput:
    """One thing a step reads.

    `step` names the step whose artifact it is; otherwise `path` says where it is in the words of the spec (relative
    paths start at the
    spec's folder, `package:...`) and `digest` binds its content; absolute paths of a machine never enter a plan.
    `role`: model, adapter, data, suite, schema, evaluation, weights.
    """

    role: str
    step: str | None = None
    path: str | None = None
    digest: str | None = None


@record(kw_only=True)
class Process:
    """A command with placeholders that only the executing machine can fill: `{python}`, `{bundle}`, `{port}`."""

    argv: tuple[str, ...]
    env: Mapping[str, str] = field(default_factory=dict)


@record(kw_only=True)
class Launch:
    """How a step's processes are started: what is executed, nothing left to a default.

    `environment` names the runner environment whose interpreter is `{python}`; `files` are written under work/ first;
    `prepare` runs
    before, one after the other; `processes_per_node` and `nodes` describe the gang.
    """

    environment: str
    command: Process
    prepare: tuple[Process, ...] = ()
    files: Mapping[str, str] = field(default_factory=dict)
    processes_per_node: int = 1
    nodes: int = 1


@record(kw_only=True)
class Saving:
    """A change to the spec that makes a step smaller: what to write, and the estimate with it."""

    change: str
    memory_bytes: int
    seconds: float | None = None


@record(kw_only=True)
class Estimate:
    """What the step is expected to take, per process where it says so; None where nothing is known.

    `trained_parameters` is there where it is exact: the step is held to it. `savings` are single changes that would
    need less memory, the cheapest first.
    """

    memory_bytes: int | None = None
    capacity_bytes: int | None = None
    seconds: float | None = None
    seconds_low: float | None = None
    seconds_high: float | None = None
    disk_bytes: int | None = None
    breakdown: Mapping[str, int] = field(default_factory=dict)
    trained_parameters: int | None = None
    savings: tuple[Saving, ...] = ()


@record(kw_only=True)
class Limits:
    """Deadlines in seconds (None: none) and how often a temporary failure is retried."""

    total_seconds: float | None = None
    stall_seconds: float | None = None
    grace_seconds: float = 10.0
    retries: int = 1


@record(kw_only=True)
class StepResources:
    """What a step may have of the machine with all its processes: bytes of main memory, cores' worth of time (None: as
    much as there is).
    """

    memory_bytes: int | None = None
    cpus: float | None = None


@record(kw_only=True)
class Supervision:
    """How a service is kept alive, all times in seconds.

    `address`: asked until it answers; None where the runner itself says when it is ready. Then `health_path` is asked
    every `interval_seconds`, and `failures` times without an answer within `timeout_seconds` means dead. Who dies is
    started again after `pause_seconds`, twice as long each time, `restarts` times in a row; who was live for
    `stable_seconds` begins to count anew.
    """

    address: str | None
    health_path: str
    interval_seconds: float = 10.0
    timeout_seconds: float = 5.0
    failures: int = 3
    restarts: int = 5
    pause_seconds: float = 1.0
    stable_seconds: float = 300.0


@record(kw_only=True)
class Gate:
    """What the engine itself evaluates: requirements over the metrics of evaluation steps."""

    require: tuple[str, ...]
    on_fail: str


@record(kw_only=True)
class Step:
    """One node of the plan.

    `identity` maps spec paths (`steps.align.train.beta`, `data.tickets`, `environment.train`, `step.sft`) to what they
    were resolved to: it is exactly
    what enters `digest`, so that a change can be named. Names, labels, limits and estimates never enter.
    `needs` are the steps that must be done first (inputs and gates above). `launch` is None for a gate.
    `not_executable` says what is missing when this step can be planned but not run yet.
    `summary` is the one-line description that people read (`1 process, LoRA r16, bf16`).
    """

    name: str
    verb: Verb
    kind: str
    summary: str
    needs: tuple[str, ...] = ()
    inputs: Mapping[str, StepInput] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    launch: Launch | None = None
    gate: Gate | None = None
    service: bool = False
    supervision: Supervision | None = None
    estimate: Estimate = field(default_factory=Estimate)
    limits: Limits = field(default_factory=Limits)
    resources: StepResources | None = None
    not_executable: str | None = None
    identity: Mapping[str, Any] = field(default_factory=dict)
    digest: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)


@record(kw_only=True)
class AlertRule:
    """Who (`to`, names of the daemon's sinks) is told of what: exactly one of `events`, `when` (a condition over
    figures) and `queued_seconds`.
    """

    to: tuple[str, ...]
    severity: str
    events: tuple[str, ...] = ()
    when: str | None = None
    queued_seconds: float | None = None
    provenance: Mapping[str, str] = field(default_factory=dict)


@record(kw_only=True)
class Plan:
    """A sealed plan. `digest` covers everything else; equal spec, facts and compiler give equal bytes."""

    plan_version: int = PLAN_VERSION
    compiler_version: str
    name: str
    profile: str | None
    sets: tuple[str, ...]
    spec_digest: str
    facts_digest: str
    machine: str
    lock: Mapping[str, Any]
    steps: tuple[Step, ...]
    alerts: tuple[AlertRule, ...] = ()
    digest: str = ""

    def step(self, name: str) -> Step:
        """Return the step called `name`; raise KeyError."""
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """Return the plan as a JSON object; `plan_from_json` reads it back."""
        whole: dict[str, Any] = plain(self)
        for step in whole["steps"]:
            for name in LATER_STEP_FIELDS:
                if step[name] is None:
                    del step[name]
        if not self.alerts:
            del whole["alerts"]
        return whole


def plain(value: Any) -> Any:
    """Return records, and what is in them, as a JSON reader would: objects and lists, nothing shared with `value`."""
    # Leaves are told by exact type and where they are: a plan has thousands of them, and is written at every `check`.
    if type(value) is dict or isinstance(value, Mapping):
        return {key: item if type(item) in _LEAVES else plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [item if type(item) in _LEAVES else plain(item) for item in value]
    if value is None or isinstance(value, (str, int, float)):
        return value
    items = ((name, getattr(value, name)) for name in value.__dataclass_fields__)
    return {name: item if type(item) in _LEAVES else plain(item) for name, item in items}


_LEAVES = frozenset((str, int, float, bool, type(None)))


def seal(plan: Plan) -> Plan:
    """Return the plan with its digest: the canonical bytes of everything but the digest itself."""
    from dataclasses import replace

    body = plan.to_json()
    del body["digest"]
    return replace(plan, digest=digest_of(body))


def plan_from_json(value: Mapping[str, Any]) -> Plan:
    """Read a plan object back; raise PlanError when it is not whole or its digest does not fit."""
    try:
        if value["plan_version"] != PLAN_VERSION:
            raise PlanError(f"plan version {value['plan_version']}; this build reads {PLAN_VERSION}")
        fields = {**value, "sets": tuple(value["sets"]), "steps": tuple(_step(item) for item in value["steps"])}
        fields["alerts"] = tuple(alert_rule(item) for item in value.get("alerts", ()))
        plan = Plan(**fields)
    except (KeyError, TypeError) as error:
        raise PlanError(f"the plan is not whole: {error}") from error
    if seal(plan).digest != plan.digest:
        raise PlanError("the plan's digest does not fit its content")
    return plan


class PlanError(ValueError):
    """A plan that can't be read or was changed after it was sealed."""


def alert_rule(value: Mapping[str, Any]) -> AlertRule:
    """Read one rule of a plan's `alerts` back."""
    return AlertRule(**{**value, "to": tuple(value["to"]), "events": tuple(value["events"])})


def _step(value: Mapping[str, Any]) -> Step:
    fields = dict(value)
    fields["needs"] = tuple(value["needs"])
    fields["inputs"] = {name: StepInput(**item) for name, item in value["inputs"].items()}
    savings = tuple(Saving(**item) for item in value["estimate"].get("savings", ()))
    fields["estimate"] = Estimate(**{**value["estimate"], "savings": savings})
    fields["limits"] = Limits(**value["limits"])
    if value["launch"] is not None:
        launch = dict(value["launch"])
        launch["command"] = _process(launch["command"])
        launch["prepare"] = tuple(_process(item) for item in launch["prepare"])
        fields["launch"] = Launch(**launch)
    if value.get("resources") is not None:
        fields["resources"] = StepResources(**value["resources"])
    if value.get("supervision") is not None:
        fields["supervision"] = Supervision(**value["supervision"])
    if value["gate"] is not None:
        fields["gate"] = Gate(require=tuple(value["gate"]["require"]), on_fail=value["gate"]["on_fail"])
    return Step(**fields)


def _process(value: Mapping[str, Any]) -> Process:
    return Process(argv=tuple(value["argv"]), env=value["env"])
