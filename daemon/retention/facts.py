"""What deciding about garbage rests on, read from the store at one moment."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass

from tunewright.daemon.clock import Milliseconds
from tunewright.daemon.engine.states import RUN_ENDED, STEP_DONE, RunState, StepState
from tunewright.daemon.store import holds


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFact:
    """A run, and the artifacts that its steps made or took."""

    id: str
    project: str
    spec_name: str
    active: bool
    end_time: Milliseconds
    retry_of: str | None
    artifacts: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptFact:
    """An attempt. `unfinished`: its step did not come to its end, so that another run may go on from it."""

    run: str
    step: str
    number: int
    end_time: Milliseconds | None
    unfinished: bool

    @property
    def subject(self) -> str:
        """Its name."""
        return f"runs/{self.run}/steps/{self.step}/attempts/{self.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything at once: `runs` by id, newest last; `artifacts` by digest with the projects that they belong to;
    `serving` are the runs whose deployments live; `held` are names.
    """

    runs: Mapping[str, RunFact]
    attempts: tuple[AttemptFact, ...]
    artifacts: Mapping[str, str]
    serving: frozenset[str]
    held: frozenset[str]


def read_facts(connection: sqlite3.Connection) -> Facts:
    """Return the facts; nothing is awaited, so they are those of one moment."""
    used: dict[str, set[str]] = {}
    for row in connection.execute("SELECT run, artifact FROM steps WHERE artifact IS NOT NULL"):
        used.setdefault(row["run"], set()).add(row["artifact"])
    query = "SELECT id, project, spec_name, state, end_time, retry_of FROM runs ORDER BY number"
    runs = {
        row["id"]: RunFact(
            id=row["id"],
            project=row["project"],
            spec_name=row["spec_name"],
            active=RunState(row["state"]) not in RUN_ENDED,
            end_time=row["end_time"] or 0,
            retry_of=row["retry_of"],
            artifacts=frozenset(used.get(row["id"], ())),
        )
        for row in connection.execute(query)
    }
    query = (
        "SELECT attempts.run, attempts.step, number, attempts.end_time, state FROM attempts"
        " JOIN steps ON steps.run = attempts.run AND steps.name = attempts.step"
    )
    attempts = tuple(
        AttemptFact(
            run=row["run"],
            step=row["step"],
            number=row["number"],
            end_time=row["end_time"],
            unfinished=StepState(row["state"]) not in STEP_DONE,
        )
        for row in connection.execute(query)
    )
    serving = "SELECT run FROM deployments WHERE state NOT IN ('stopped', 'failed')"
    return Facts(
        runs=runs,
        attempts=attempts,
        artifacts=dict(connection.execute("SELECT digest, min(project) FROM artifacts GROUP BY digest").fetchall()),
        serving=frozenset(row["run"] for row in connection.execute(serving)),
        held=holds.held(connection),
    )
