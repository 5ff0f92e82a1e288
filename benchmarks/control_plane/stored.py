"""Runs written into a home before its daemon starts, through the product's own store: what years leave behind."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from control_plane.processes import daemon, wait_until
from control_plane.world import World, make_world

from tunewright.compiler.ir.difference import StepAction
from tunewright.compiler.ir.plan import Plan, Step, plan_from_json, seal
from tunewright.daemon.engine.admission import step_record
from tunewright.daemon.engine.states import Entry, RunRecord, RunState, StepState
from tunewright.daemon.store import events, runs
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.runs import Submission
from tunewright.daemon.supervise import Running, probe, request_cancel
from tunewright.spec.canonical import canonical_json, digest_of

_BATCH, _EVENTS_A_RUN = 200, 20
NOW = 1_760_000_000_000
BODY = {"phase": "training", "step": 1200, "of": 5000, "loss": 1.2345, "tokens_per_second": 2345.6, "words": "x" * 100}


@contextmanager
def opened(world: World) -> Iterator[Database]:
    """Yield the store of a home that has no daemon; its reading connection may write, nobody else is there."""
    database = Database(world.home / "control.db")
    try:
        yield database
    finally:
        database.read.close()


def add_runs(
    database: Database, plan: Plan, *, ended: int, open_: int, entries: int, like: RunRecord | None = None
) -> list[str]:
    """Store runs of a plan, each with so many log entries; those that are open wait for their turn. What else a run
    says of itself is what `like` says.
    """
    connection, names = database.read, []
    texts = Submission(
        spec_text="", plan_json=canonical_json(plan.to_json()).decode(), request_id=None, request_digest=""
    )
    for first in range(0, ended + open_, _BATCH):
        connection.execute("BEGIN IMMEDIATE")
        for number in range(first, min(first + _BATCH, ended + open_)):
            run = _record(like or _bare(plan), number, RunState.SUCCEEDED if number < ended else RunState.QUEUED)
            runs.insert(connection, run, texts, Entry(kind="run_created", body={"name": plan.name}))
            add_events(connection, run.id, entries)
            names.append(run.id)
        connection.execute("COMMIT")
    return names


def add_events(connection: sqlite3.Connection, run: str, entries: int) -> None:
    """Append log entries as a runner's progress makes them; in an open transaction."""
    entry = Entry(kind="progress", step="sft", attempt=1, body=BODY)
    events.append_all(connection, run, [events.line(entry, NOW + number) for number in range(entries)])


@contextmanager
def full_house(folder: Path, *, ended: int, waiting: int) -> Iterator[World]:
    """Yield a world without a daemon: one step lives in it, many runs wait for its place, many more have ended."""
    world = make_world(folder, "exec sleep 3600")
    with daemon(world) as running, running.client() as client:
        run = client.create_run(world.source("live")).run.id
        wait_until(lambda: client.get_run(run).run.steps[0].state == "running")
    bundle = world.bundle(run)
    try:
        with opened(world) as database:
            plan = plan_from_json(json.loads(runs.texts(database.read, run)[0]))
            add_runs(
                database, plan, ended=ended, open_=waiting, entries=_EVENTS_A_RUN, like=runs.get(database.read, run)
            )
        yield world
    finally:
        request_cancel(bundle, "now", "the benchmark is over")
        wait_until(lambda: not isinstance(probe(bundle), Running))


def _record(like: RunRecord, number: int, state: RunState) -> RunRecord:
    done = state is RunState.SUCCEEDED
    fresh = {"attempt": 0, "start_time": None, "state": StepState.SUCCEEDED if done else StepState.WAITING}
    made = datetime.fromtimestamp(NOW / 1000, tz=UTC)
    return replace(
        like,
        id=f"{made:%Y%m%d-%H%M%S}-{number:05x}",
        spec_name=f"{like.spec_name}-{number % 100}",
        create_time=NOW + number,
        steps=tuple(replace(step, **fresh) for step in like.steps),
        state=state,
        start_time=None,
        end_time=NOW + number if done else None,
    )


def _bare(plan: Plan) -> RunRecord:
    steps = [step_record(step, StepAction(step.name, "create")) for step in plan.steps]
    return RunRecord(
        id="",
        spec_name=plan.name,
        spec_path="life.yaml",
        base_directory="/",
        profile="",
        sets=(),
        plan_digest=plan.digest,
        create_time=NOW,
        steps=tuple(steps),
    )


def a_plan(name: str = "stored") -> Plan:
    """Return a sealed plan of one step that nobody is going to run."""
    step = Step(name="sft", verb="train", kind="train.sft", summary="stands for a training", needs=())
    digest = digest_of(name)
    return seal(
        Plan(
            compiler_version="benchmark",
            name=name,
            profile=None,
            sets=(),
            spec_digest=digest,
            facts_digest=digest,
            machine="benchmark",
            lock={},
            steps=(replace(step, digest=digest),),
        )
    )
