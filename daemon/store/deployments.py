"""Deployments in the store: revisions of a name, at most one of them alive."""

import json
import sqlite3
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any
from urllib.parse import urlsplit

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine.states import DEFAULT_PROJECT, DeploymentState, Entry, Failure, RunRecord
from tunewright.daemon.store import attempts, events, leases
from tunewright.daemon.store.conditions import Conditions
from tunewright.daemon.store.database import StaleError
from tunewright.daemon.store.projects import Projects
from tunewright.daemon.store.runs import failure_from_text

_ALIVE = "state IN ('live', 'restarting', 'stopping')"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentRecord:
    """One revision of a deployment; the attempt that serves it is `run`/`step`/`attempt`.

    `restarts` counts how often it has ended in a row; `not_before` is when it is started again, None once it was;
    `ready_time` is when it answered last for the first time.
    """

    id: int
    name: str
    revision: int
    project: str
    spec_name: str
    run: str
    step: str
    attempt: int
    step_digest: str
    state: DeploymentState
    stop_mode: str | None
    address: str
    failure: Failure | None
    create_time: Milliseconds
    end_time: Milliseconds | None
    restarts: int
    not_before: Milliseconds | None
    ready_time: Milliseconds | None

    @property
    def etag(self) -> str:
        """Changes with every change of state and with every revision."""
        return f"{self.revision}-{self.state}-{self.stop_mode or ''}"


def name_of(project: str, spec_name: str, step: str) -> str:
    """Return the name under which a step's service is deployed, one for all projects: no name of a spec has a dot."""
    name = f"{spec_name}-{step}"
    return name if project == DEFAULT_PROJECT else f"{project}.{name}"


def insert(
    connection: sqlite3.Connection, run: RunRecord, step: str, attempt: int, address: str, now: Milliseconds
) -> None:
    """Store a new live revision."""
    name = name_of(run.project, run.spec_name, step)
    connection.execute(
        "INSERT INTO deployments"
        " (name, revision, project, spec_name, run, step, attempt, step_digest, state, address, create_time,"
        " ready_time) SELECT ?, coalesce(max(revision), 0) + 1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
        " FROM deployments WHERE name = ?",
        (
            name,
            run.project,
            run.spec_name,
            run.id,
            step,
            attempt,
            run.step(step).digest,
            DeploymentState.LIVE,
            address,
            now,
            now,
            name,
        ),
    )


def taken(connection: sqlite3.Connection, run: RunRecord, step: str) -> bool:
    """Answer whether a name is taken: by a revision that has not ended, or by another run that just starts one."""
    return name_taken(connection, run.project, run.spec_name, step, run.id)


def name_taken(connection: sqlite3.Connection, project: str, spec_name: str, step: str, run: str) -> bool:
    """Answer the same about a step of a run that is given by its words."""
    name = name_of(project, spec_name, step)
    row = connection.execute(
        f"SELECT EXISTS (SELECT 1 FROM deployments WHERE name = ? AND {_ALIVE})"  # noqa: S608
        " OR EXISTS (SELECT 1 FROM steps JOIN runs ON runs.id = steps.run"
        " WHERE steps.state IN ('starting', 'running', 'cancelling') AND steps.service = 1 AND steps.name = ?"
        " AND runs.project = ? AND runs.spec_name = ? AND runs.id <> ?)",
        (name, step, project, spec_name, run),
    ).fetchone()
    return bool(row[0])


def newest(connection: sqlite3.Connection, name: str) -> DeploymentRecord | None:
    """Return the newest revision of a deployment."""
    row = connection.execute(
        "SELECT * FROM deployments WHERE name = ? ORDER BY revision DESC LIMIT 1", (name,)
    ).fetchone()
    return None if row is None else _record(row)


def project_of(connection: sqlite3.Connection, name: str) -> str | None:
    """Return the project that a deployment belongs to, None when there is none of that name."""
    row = connection.execute("SELECT project FROM deployments WHERE name = ? LIMIT 1", (name,)).fetchone()
    return None if row is None else str(row["project"])


def alive(connection: sqlite3.Connection) -> list[DeploymentRecord]:
    """Return every revision that has not ended."""
    return [_record(row) for row in connection.execute(f"SELECT * FROM deployments WHERE {_ALIVE}").fetchall()]  # noqa: S608


def held_ports(connection: sqlite3.Connection, project: str, spec_name: str) -> frozenset[int]:
    """Return the ports that services of a spec hold: a new revision may have them, the old one makes room."""
    own = [record for record in alive(connection) if (record.project, record.spec_name) == (project, spec_name)]
    addresses = [urlsplit(record.address) for record in own]
    return frozenset(address.port for address in addresses if address.port is not None)


def live_with_digest(connection: sqlite3.Connection, project: str, step_digest: str) -> DeploymentRecord | None:
    """Return the live revision of a project's equal step."""
    row = connection.execute(
        "SELECT * FROM deployments WHERE step_digest = ? AND project = ? AND state = 'live' ORDER BY id DESC LIMIT 1",
        (step_digest, project),
    ).fetchone()
    return None if row is None else _record(row)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentFilter:
    """Which revisions a list is about; what is empty lets everything through; `projects` is what the caller may see.
    `states` overrule `show_ended`.
    """

    spec_name: str = ""
    show_ended: bool = False
    states: tuple[DeploymentState, ...] = ()
    projects: Projects = None


def page(
    connection: sqlite3.Connection, wanted: DeploymentFilter, *, before: int, limit: int
) -> list[DeploymentRecord]:
    """Return revisions, newest first, with a row id below `before` (0: from the newest)."""
    where = (
        Conditions()
        .within(wanted.projects)
        .below("id", before)
        .equal(spec_name=wanted.spec_name)
        .among("state", wanted.states)
    )
    if not wanted.show_ended and not wanted.states:
        where.add(_ALIVE)
    query = f"SELECT * FROM deployments WHERE {where.text} ORDER BY id DESC LIMIT ?"  # noqa: S608
    return [_record(row) for row in connection.execute(query, (*where.values, limit)).fetchall()]


def stop(connection: sqlite3.Connection, deployment: DeploymentRecord, mode: str, now: Milliseconds) -> None:
    """Note that a revision is to stop; `now` after `graceful` hurries."""
    if deployment.state is DeploymentState.STOPPING and (deployment.stop_mode == "now" or mode == "graceful"):
        return
    connection.execute(
        f"UPDATE deployments SET state = 'stopping', stop_mode = ? WHERE id = ? AND {_ALIVE}",  # noqa: S608
        (mode, deployment.id),
    )
    _append(connection, deployment, "deployment_stopping", _about(deployment) | {"mode": mode}, now)


def end(
    connection: sqlite3.Connection, deployment: DeploymentRecord, failure: Failure | None, now: Milliseconds
) -> None:
    """Note that a revision has ended: as asked, or with a failure; raise StaleError when it had ended before."""
    state = DeploymentState.STOPPED if failure is None else DeploymentState.FAILED
    told = None if failure is None else json.dumps(asdict(failure), ensure_ascii=False)
    changed = connection.execute(
        f"UPDATE deployments SET state = ?, failure = ?, end_time = ? WHERE id = ? AND {_ALIVE}",  # noqa: S608
        (state, told, now, deployment.id),
    )
    if changed.rowcount != 1:
        raise StaleError(f"deployment {deployment.name} had ended before")
    leases.release(connection, deployment.run, deployment.step, now)
    body = _about(deployment)
    if failure is not None:
        body |= {"reason": failure.reason, "message": failure.message}
    _append(connection, deployment, f"deployment_{state}", body, now)


def restart_later(
    connection: sqlite3.Connection,
    deployment: DeploymentRecord,
    failure: Failure,
    pause: Milliseconds,
    now: Milliseconds,
    *,
    restarts: int,
) -> None:
    """Note that a revision has ended by itself and is started again after a pause."""
    _change(connection, deployment, state="restarting", restarts=restarts, not_before=now + pause, ready_time=None)
    body = {"reason": failure.reason, "message": failure.message, "restarts": restarts, "in_seconds": pause / 1000}
    _append(connection, deployment, "deployment_restarting", _about(deployment) | body, now)


def restart(connection: sqlite3.Connection, deployment: DeploymentRecord, now: Milliseconds) -> DeploymentRecord:
    """Store the attempt that is going to serve a revision next, and return the revision with it."""
    again = replace(deployment, attempt=deployment.attempt + 1, not_before=None)
    attempts.insert(connection, again.run, again.step, again.attempt, now)
    leases.carry(connection, again.run, again.step, again.attempt)
    _change(connection, deployment, attempt=again.attempt, not_before=None)
    return again


def live(connection: sqlite3.Connection, deployment: DeploymentRecord, address: str, now: Milliseconds) -> None:
    """Note that a revision that was started again answers."""
    _change(connection, deployment, state="live", address=address, ready_time=now)
    _append(connection, deployment, "deployment_live", _about(deployment) | {"address": address}, now)


def _change(connection: sqlite3.Connection, deployment: DeploymentRecord, **values: Any) -> None:
    """Change a revision that still is what was read; raise StaleError when it is not."""
    assignments = ", ".join(f"{name} = :{name}" for name in values)
    known = {"the_id": deployment.id, "the_state": deployment.state, "the_attempt": deployment.attempt}
    changed = connection.execute(
        f"UPDATE deployments SET {assignments} WHERE id = :the_id AND state = :the_state"  # noqa: S608
        " AND attempt = :the_attempt",
        {**values, **known},
    )
    if changed.rowcount != 1:
        raise StaleError(f"deployment {deployment.name} has changed")


def _about(deployment: DeploymentRecord) -> dict[str, Any]:
    return {"deployment": deployment.name, "revision": deployment.revision}


def _append(
    connection: sqlite3.Connection,
    deployment: DeploymentRecord,
    kind: str,
    body: Mapping[str, Any],
    now: Milliseconds,
) -> None:
    entry = Entry(kind=kind, step=deployment.step, attempt=deployment.attempt, body=body)
    events.append(connection, deployment.run, entry, now)


def _record(row: sqlite3.Row) -> DeploymentRecord:
    plain = dict(row)
    plain |= {"state": DeploymentState(row["state"]), "failure": failure_from_text(row["failure"])}
    return DeploymentRecord(**plain)
