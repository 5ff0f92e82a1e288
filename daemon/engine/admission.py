"""From a sealed plan to a stored run: what would be done, whether it can be done here, and stored once for each
request.
"""

import asyncio
import json
import sqlite3
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from tunewright.compiler.ir.difference import StepAction, difference
from tunewright.compiler.ir.plan import Plan, Step, plan_from_json
from tunewright.daemon.access.limits import UNLIMITED, Limits
from tunewright.daemon.actor import ACTOR
from tunewright.daemon.alerts.settings import AlertSettings
from tunewright.daemon.clock import Clock
from tunewright.daemon.engine.readiness import check_secrets, check_steps
from tunewright.daemon.engine.replays import replay_of
from tunewright.daemon.engine.results import Results
from tunewright.daemon.engine.states import Entry, RunRecord, StepRecord
from tunewright.daemon.engine.step_files import Interpreters, secrets_of
from tunewright.daemon.errors import RefusedError
from tunewright.daemon.queue.machine import Machine
from tunewright.daemon.queue.resources import needs_of
from tunewright.daemon.secrets.providers import Providers
from tunewright.daemon.store import artifacts, deployments, runs
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.runs import Submission
from tunewright.daemon.traces.context import CALL
from tunewright.spec.canonical import canonical_json
from tunewright.spec.priority import NORMAL, priority_word

#: Threads of their own: places that hang must not take those that the engine works with.
_SECRETS = ThreadPoolExecutor(max_workers=4, thread_name_prefix="secrets")


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """A plan to run, and what came with it."""

    project: str
    plan: Plan
    spec_text: str
    spec_path: str
    base_directory: str
    request_id: str
    request_digest: str
    retry_of: str | None = None
    priority: int = NORMAL
    preemptible: bool = True


@dataclass(frozen=True, slots=True)
class Admission:
    """Decides about new runs; `devices_seen` waits until the machine's devices are known, `alerts` answers what the
    site wants to be told of.
    """

    database: Database
    clock: Clock
    results: Results
    interpreters: Interpreters
    providers: Providers
    machine: Callable[[], Machine]
    devices_seen: Callable[[], Awaitable[None]]
    alerts: Callable[[], AlertSettings] = AlertSettings

    def compare(self, plan: Plan, project: str) -> tuple[StepAction, ...]:
        """Return what a run of the plan would do, against the project's last run of the same spec."""
        previous = runs.latest_plan(self.database.read, project, plan.name)
        return difference(plan, _read(previous), self.results.kept(project))

    async def check_executable(self, plan: Plan, project: str) -> None:
        """Raise RefusedError when a step that has to be done can't be done on this machine."""
        await self.devices_seen()  # just started, it does not know yet what it has
        kept = self.results.kept(project)
        todo = [step for step in plan.steps if not kept(step)]
        own_ports = deployments.held_ports(self.database.read, project, plan.name)
        check_steps(todo, self.interpreters, own_ports, self.machine())
        if any(secrets_of(step) for step in todo):
            asked = asyncio.get_running_loop().run_in_executor
            await asked(_SECRETS, check_secrets, todo, project, self.providers)

    def record(self, order: Order, actions: tuple[StepAction, ...]) -> RunRecord:
        """Return the run that an order asks for, not stored yet and without an id."""
        by_step = {action.step: action for action in actions}
        plan = order.plan
        return RunRecord(
            id="",
            project=order.project,
            actor=ACTOR.get(),
            policy_digest=(plan.lock.get("policy") or {}).get("digest", ""),
            spec_name=plan.name,
            spec_path=order.spec_path,
            base_directory=order.base_directory,
            profile=plan.profile or "",
            sets=plan.sets,
            plan_digest=plan.digest,
            create_time=self.clock.now(),
            steps=tuple(step_record(step, by_step[step.name]) for step in plan.steps),
            retry_of=order.retry_of,
            priority=order.priority,
            preemptible=order.preemptible,
        )

    async def admit(
        self,
        order: Order,
        run: RunRecord,
        limits: Limits = UNLIMITED,
        also: Callable[[sqlite3.Connection, RunRecord], None] = lambda *_: None,
    ) -> RunRecord:
        """Store the run and return it; return the one that the same request stored before, if it did.

        `also` writes what must be true together with it. Raises RefusedError when the request id was used with another
        request, or when `limits` allow no more.
        """
        submission = Submission(
            spec_text=order.spec_text,
            plan_json=canonical_json(order.plan.to_json()).decode("utf-8"),
            request_id=order.request_id or None,
            request_digest=order.request_digest,
            watched=any(rule.when is not None for rule in order.plan.alerts)
            or self.alerts().figures_watched(run.project, run.spec_name),
        )
        body = {
            "name": run.spec_name,
            "plan_digest": run.plan_digest,
            **({"policy_digest": run.policy_digest} if run.policy_digest else {}),
            "steps": [
                {"step": step.name, "action": step.action, **({"because": step.because} if step.because else {})}
                for step in run.steps
            ],
            **({"retry_of": run.retry_of} if run.retry_of else {}),
            **({"traceparent": call.header} if (call := CALL.get()) is not None else {}),
            **({"priority": priority_word(run.priority)} if run.priority else {}),
            **({} if run.preemptible else {"preemptible": False}),
        }

        def write(connection: sqlite3.Connection) -> RunRecord:
            earlier = self.of_request(connection, order.project, order.request_id, order.request_digest)
            if earlier is not None:
                return earlier
            _check_quotas(connection, limits, run.project)
            stored = _named(connection, run, self.clock)
            runs.insert(connection, stored, submission, Entry(kind="run_created", body=body))
            also(connection, stored)
            found = runs.get(connection, stored.id)
            if found is None:
                raise LookupError(stored.id)
            return found

        return await self.database.write(write)

    @staticmethod
    def of_request(connection: sqlite3.Connection, project: str, request_id: str, digest: str) -> RunRecord | None:
        """Return the run that a request made; raise RefusedError when the id came with another request."""
        found = replay_of(connection, project, request_id, digest)
        return None if found is None else runs.get(connection, found.subject.removeprefix("runs/"))


def _check_quotas(connection: sqlite3.Connection, limits: Limits, project: str) -> None:
    if limits.queued_runs is not None:
        waiting = runs.count_active(connection, actor=ACTOR.get())
        if waiting >= limits.queued_runs:
            message = f"{waiting} of your runs have not ended, and that is as many as you may have: wait, or cancel one"
            raise RefusedError("QUOTA_EXCEEDED", message, quota="queued_runs", limit=str(limits.queued_runs))
    if limits.artifact_bytes is not None:
        kept = artifacts.bytes_of(connection, project)
        if kept >= limits.artifact_bytes:
            message = f"the artifacts of project {project} have {kept} bytes, the limit is {limits.artifact_bytes}"
            raise RefusedError("QUOTA_EXCEEDED", message, quota="artifact_bytes", limit=str(limits.artifact_bytes))


def _named(connection: sqlite3.Connection, run: RunRecord, clock: Clock) -> RunRecord:
    """Two runs of one second may draw one word: draw again."""
    while True:
        named = replace(run, id=clock.new_run_id())
        if connection.execute("SELECT 1 FROM runs WHERE id = ?", (named.id,)).fetchone() is None:
            return named


def _read(plan_json: str | None) -> Plan | None:
    return None if plan_json is None else plan_from_json(json.loads(plan_json))


def step_record(step: Step, action: StepAction) -> StepRecord:
    """Return a planned step as it is stored before anything is done."""
    return StepRecord(
        name=step.name,
        verb=step.verb,
        kind=step.kind,
        summary=step.summary,
        needs=step.needs,
        digest=step.digest,
        service=step.service,
        retries=step.limits.retries,
        action=action.action,
        because=action.because,
        resources=needs_of(step),
        limit_seconds=step.limits.total_seconds,
    )
