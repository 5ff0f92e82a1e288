"""Runs and their steps in the store: rows to records and back, every change guarded by the run's version."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine.states import (
    Entry,
    Failure,
    Requirement,
    RunRecord,
    RunState,
    StepRecord,
    StepState,
    Verdict,
)
from tunewright.daemon.queue.resources import Resources
from tunewright.daemon.store import events
from tunewright.daemon.store.conditions import Conditions
from tunewright.daemon.store.database import StaleError
from tunewright.daemon.store.projects import Projects, in_projects

_ACTIVE = "state NOT IN ('succeeded', 'failed', 'cancelled')"
_CHANGING = (
    "state", "retries", "attempt", "preempted_for", "artifact", "reused_from", "failure", "verdict", "address",
    "not_before", "start_time", "end_time",
)  # fmt: skip
_FIXED = ("name", "verb", "kind", "summary", "digest", "action", "because", "limit_seconds")

_RESOURCES = ("devices", "slots", "memory_bytes")


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """What came with a run and never changes: the texts, what makes creating it idempotent, and whether somebody wants
    to be told of its figures.
    """

    spec_text: str
    plan_json: str
    request_id: str | None
    request_digest: str
    watched: bool = False


def insert(connection: sqlite3.Connection, run: RunRecord, submission: Submission, entry: Entry) -> None:
    """Store a new run with its first log entry."""
    _insert_into(
        connection,
        "runs",
        id=run.id,
        project=run.project,
        actor=run.actor,
        policy_digest=run.policy_digest,
        spec_name=run.spec_name,
        spec_path=run.spec_path,
        base_directory=run.base_directory,
        spec_text=submission.spec_text,
        profile=run.profile,
        sets=json.dumps(run.sets),
        plan=submission.plan_json,
        plan_digest=run.plan_digest,
        request=submission.request_id,
        request_digest=submission.request_digest,
        retry_of=run.retry_of,
        priority=run.priority,
        preemptible=int(run.preemptible),
        state=run.state,
        create_time=run.create_time,
        watched=int(submission.watched),
    )
    for position, step in enumerate(run.steps):
        _insert_into(
            connection,
            "steps",
            run=run.id,
            position=position,
            needs=json.dumps(step.needs),
            service=int(step.service),
            **asdict(step.resources),
            **{name: getattr(step, name) for name in _FIXED},
            **_changing(step),
        )
    events.append(connection, run.id, entry, run.create_time)


def save(
    connection: sqlite3.Connection, before: RunRecord, after: RunRecord, entries: Iterable[Entry], now: int
) -> None:
    """Store a change with its log entries; raise StaleError when the run is no longer as it was in `before`."""
    changed = connection.execute(
        "UPDATE runs SET state = ?, version = version + 1, cancel_mode = ?, cancel_reason = ?, failure = ?,"
        " priority = ?, start_time = ?, end_time = ? WHERE id = ? AND version = ?",
        (
            after.state,
            after.cancel_mode,
            after.cancel_reason,
            _failure_text(after.failure),
            after.priority,
            after.start_time,
            after.end_time,
            before.id,
            before.version,
        ),
    )
    if changed.rowcount != 1:
        raise StaleError(f"run {before.id} has changed since version {before.version}")
    assignments = ", ".join(f"{name} = :{name}" for name in _CHANGING)
    for old, new in zip(before.steps, after.steps, strict=True):
        if old != new:
            values = {**_changing(new), "run": after.id, "name": new.name}
            connection.execute(f"UPDATE steps SET {assignments} WHERE run = :run AND name = :name", values)  # noqa: S608
    events.append_all(connection, after.id, [events.line(entry, now) for entry in entries])


def get(connection: sqlite3.Connection, run: str) -> RunRecord | None:
    """Return a run, None when there is none of that id."""
    row = connection.execute("SELECT * FROM runs WHERE id = ?", (run,)).fetchone()
    return None if row is None else _record(connection, row)


def project_of(connection: sqlite3.Connection, run: str) -> str | None:
    """Return the project that a run belongs to, None when there is none of that id."""
    row = connection.execute("SELECT project FROM runs WHERE id = ?", (run,)).fetchone()
    return None if row is None else str(row["project"])


def spec_name_of(connection: sqlite3.Connection, run: str) -> str:
    """Return the name of a run's spec, empty when there is none of that id."""
    row = connection.execute("SELECT spec_name FROM runs WHERE id = ?", (run,)).fetchone()
    return "" if row is None else str(row["spec_name"])


def count_active(connection: sqlite3.Connection, *, projects: Projects = None, actor: str = "") -> int:
    """Return how many runs of these projects have not ended; with `actor`, only those that this one created."""
    within, names = in_projects(projects)
    query = f"SELECT count(*) FROM runs WHERE {_ACTIVE} AND {within} AND (? = '' OR actor = ?)"  # noqa: S608
    return int(connection.execute(query, (*names, actor, actor)).fetchone()[0])


def states(connection: sqlite3.Connection, identifiers: str) -> dict[str, tuple[RunState, int]]:
    """Return the state and the newest sequence of each run of a JSON array of ids that is in the store."""
    query = "SELECT id, state, last_sequence FROM runs WHERE id IN (SELECT value FROM json_each(?))"
    return {name: (RunState(state), newest) for name, state, newest in connection.execute(query, (identifiers,))}


def texts(connection: sqlite3.Connection, run: str) -> tuple[str, str]:
    """Return a run's plan as JSON and its spec's text; raise KeyError."""
    row = connection.execute("SELECT plan, spec_text FROM runs WHERE id = ?", (run,)).fetchone()
    if row is None:
        raise KeyError(run)
    return row["plan"], row["spec_text"]


def latest_plan(connection: sqlite3.Connection, project: str, spec_name: str) -> str | None:
    """Return the plan of a project's newest run of a spec, as JSON."""
    row = connection.execute(
        "SELECT plan FROM runs WHERE spec_name = ? AND project = ? ORDER BY number DESC LIMIT 1", (spec_name, project)
    ).fetchone()
    return None if row is None else row["plan"]


def active_ids(connection: sqlite3.Connection) -> list[str]:
    """Return the runs that have not ended, oldest first."""
    return [row["id"] for row in connection.execute(f"SELECT id FROM runs WHERE {_ACTIVE} ORDER BY number")]  # noqa: S608


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFilter:
    """Which runs a list is about; what is empty lets everything through; `projects` is what the caller may see."""

    spec_name: str = ""
    active_only: bool = False
    states: tuple[RunState, ...] = ()
    create_after: Milliseconds | None = None
    create_before: Milliseconds | None = None
    projects: Projects = None


def page(connection: sqlite3.Connection, wanted: RunFilter, *, before: int, limit: int) -> list[tuple[int, RunRecord]]:
    """Return runs with their numbers, newest first, with a number below `before` (0: from the newest)."""
    where = (
        Conditions()
        .within(wanted.projects)
        .below("number", before)
        .equal(spec_name=wanted.spec_name)
        .among("state", wanted.states)
    )
    if wanted.active_only:
        where.add(_ACTIVE)
    if wanted.create_after is not None:
        where.add("create_time >= ?", wanted.create_after)
    if wanted.create_before is not None:
        where.add("create_time < ?", wanted.create_before)
    query = f"SELECT * FROM runs WHERE {where.text} ORDER BY number DESC LIMIT ?"  # noqa: S608
    rows = connection.execute(query, (*where.values, limit)).fetchall()
    return [(row["number"], _record(connection, row)) for row in rows]


def _record(connection: sqlite3.Connection, row: sqlite3.Row) -> RunRecord:
    steps = connection.execute("SELECT * FROM steps WHERE run = ? ORDER BY position", (row["id"],)).fetchall()
    return RunRecord(
        id=row["id"],
        project=row["project"],
        actor=row["actor"],
        policy_digest=row["policy_digest"],
        spec_name=row["spec_name"],
        spec_path=row["spec_path"],
        base_directory=row["base_directory"],
        profile=row["profile"],
        sets=tuple(json.loads(row["sets"])),
        plan_digest=row["plan_digest"],
        create_time=row["create_time"],
        steps=tuple(_step(item) for item in steps),
        retry_of=row["retry_of"],
        priority=row["priority"],
        preemptible=bool(row["preemptible"]),
        state=RunState(row["state"]),
        version=row["version"],
        cancel_mode=row["cancel_mode"],
        cancel_reason=row["cancel_reason"],
        failure=failure_from_text(row["failure"]),
        last_sequence=row["last_sequence"],
        start_time=row["start_time"],
        end_time=row["end_time"],
    )


def _step(row: sqlite3.Row) -> StepRecord:
    plain = {name: row[name] for name in (*_FIXED, *_CHANGING)}
    return StepRecord(
        **{
            **plain,
            "needs": tuple(json.loads(row["needs"])),
            "service": bool(row["service"]),
            "resources": Resources(**{name: row[name] for name in _RESOURCES}),
            "state": StepState(row["state"]),
            "failure": failure_from_text(row["failure"]),
            "verdict": verdict_from_text(row["verdict"]),
        }
    )


def _changing(step: StepRecord) -> dict[str, Any]:
    plain = {name: getattr(step, name) for name in _CHANGING}
    return {**plain, "failure": _failure_text(step.failure), "verdict": verdict_text(step.verdict)}


def _failure_text(failure: Failure | None) -> str | None:
    return None if failure is None else json.dumps(asdict(failure), ensure_ascii=False)


def failure_from_text(text: str | None) -> Failure | None:
    """Return a stored failure."""
    return None if text is None else Failure(**json.loads(text))


def verdict_text(verdict: Verdict | None) -> str | None:
    """Return a verdict as it is stored."""
    return None if verdict is None else json.dumps(asdict(verdict), ensure_ascii=False)


def verdict_from_text(text: str | None) -> Verdict | None:
    """Return a stored verdict."""
    if text is None:
        return None
    value = json.loads(text)
    requirements = tuple(Requirement(**item) for item in value["requirements"])
    return Verdict(passed=value["passed"], requirements=requirements)


def _insert_into(connection: sqlite3.Connection, table: str, /, **values: Any) -> None:
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    connection.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", tuple(values.values()))  # noqa: S608
