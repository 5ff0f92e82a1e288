"""Artifacts and verdicts in the store: results that an equal step takes instead of working again."""

import sqlite3
from dataclasses import asdict, dataclass

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine.states import RunRecord, Verdict
from tunewright.daemon.store.conditions import Conditions
from tunewright.daemon.store.projects import Projects, in_projects
from tunewright.daemon.store.runs import verdict_from_text, verdict_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactRecord:
    """One artifact as stored: which content (digest), which step made it, how big it is."""

    id: int = 0
    digest: str
    step_digest: str
    role: str
    kind: str
    project: str
    run: str
    step: str
    spec_name: str
    size_bytes: int
    file_count: int
    create_time: Milliseconds


def insert(connection: sqlite3.Connection, artifact: ArtifactRecord) -> None:
    """Store an artifact; a second time for the same step of the same run changes nothing."""
    values = asdict(artifact)
    del values["id"]
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    connection.execute(
        f"INSERT INTO artifacts ({names}) VALUES ({marks}) ON CONFLICT (run, step) DO NOTHING",  # noqa: S608
        tuple(values.values()),
    )


def of_step_digest(connection: sqlite3.Connection, project: str, step_digest: str) -> list[ArtifactRecord]:
    """Return the artifacts of a project's equal steps, newest first."""
    query = "SELECT * FROM artifacts WHERE step_digest = ? AND project = ? ORDER BY id DESC"
    return [ArtifactRecord(**dict(row)) for row in connection.execute(query, (step_digest, project)).fetchall()]


def of_digest_prefix(
    connection: sqlite3.Connection, prefix: str, limit: int, projects: Projects = None
) -> list[ArtifactRecord]:
    """Return the newest artifact of each digest whose hex begins with `prefix`, in these projects."""
    start = f"sha256:{prefix}"
    within, names = in_projects(projects)
    query = (
        f"SELECT * FROM artifacts WHERE id IN (SELECT max(id) FROM artifacts WHERE digest >= ? AND digest < ?"  # noqa: S608
        f" AND {within} GROUP BY digest LIMIT ?)"
    )
    rows = connection.execute(query, (start, start + "g", *names, limit)).fetchall()
    return [ArtifactRecord(**dict(row)) for row in rows]


def bytes_of(connection: sqlite3.Connection, project: str) -> int:
    """Return the size of a project's artifacts; the same content counts once."""
    distinct = "SELECT DISTINCT digest, size_bytes FROM artifacts WHERE project = ?"
    query = f"SELECT coalesce(sum(size_bytes), 0) FROM ({distinct})"  # noqa: S608
    return int(connection.execute(query, (project,)).fetchone()[0])


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactFilter:
    """Which artifacts a list is about; what is empty lets everything through; `projects` is what the caller may see."""

    run: str = ""
    role: str = ""
    kind: str = ""
    spec_name: str = ""
    step_digest: str = ""
    projects: Projects = None


def page(connection: sqlite3.Connection, wanted: ArtifactFilter, *, before: int, limit: int) -> list[ArtifactRecord]:
    """Return artifacts, newest first, with a row id below `before` (0: from the newest)."""
    columns = {"run": wanted.run, "role": wanted.role, "kind": wanted.kind, "step_digest": wanted.step_digest}
    where = Conditions().within(wanted.projects).below("id", before).equal(**columns, spec_name=wanted.spec_name)
    query = f"SELECT * FROM artifacts WHERE {where.text} ORDER BY id DESC LIMIT ?"  # noqa: S608
    return [ArtifactRecord(**dict(row)) for row in connection.execute(query, (*where.values, limit)).fetchall()]


def insert_verdict(
    connection: sqlite3.Connection, run: RunRecord, step: str, verdict: Verdict, now: Milliseconds
) -> None:
    """Store what a gate found."""
    connection.execute(
        "INSERT INTO verdicts (step_digest, project, run, step, verdict, create_time) VALUES (?, ?, ?, ?, ?, ?)",
        (run.step(step).digest, run.project, run.id, step, verdict_text(verdict), now),
    )


def latest_verdict(connection: sqlite3.Connection, project: str, step_digest: str) -> tuple[str, Verdict] | None:
    """Return the run and the verdict of a project's newest equal gate."""
    query = "SELECT run, verdict FROM verdicts WHERE step_digest = ? AND project = ? ORDER BY id DESC LIMIT 1"
    row = connection.execute(query, (step_digest, project)).fetchone()
    if row is None:
        return None
    verdict = verdict_from_text(row["verdict"])
    return None if verdict is None else (row["run"], verdict)
