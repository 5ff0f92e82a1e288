"""From events to alerts, on a real store: nothing that one run wrote keeps those of others from being told."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from tunewright.compiler.ir.plan import AlertRule
from tunewright.daemon.alerts.raising import Raiser
from tunewright.daemon.alerts.settings import AlertSettings, SiteRule
from tunewright.daemon.clock import Clock
from tunewright.daemon.engine.states import Entry, RunRecord
from tunewright.daemon.store import alerts, events, runs
from tunewright.daemon.store.database import Database
from tunewright.daemon.store.runs import Submission

FAILED = AlertRule(to=("oncall",), severity="warning", events=("run_failed",))
LOSS = AlertRule(to=("oncall",), severity="warning", when="steps.sft.loss > 5")
LATE = AlertRule(to=("oncall",), severity="info", queued_seconds=10.0)


def on_a_store(
    folder: Path, rules: tuple[AlertRule, ...], work: Callable[[Database, Raiser, list[int]], Coroutine[Any, Any, None]]
) -> None:
    async def whole() -> None:
        database = Database(folder / "control.db")
        database.start(lambda: None)
        settings, now = AlertSettings(rules=tuple(SiteRule(rule=rule) for rule in rules)), [1_000]
        raiser = Raiser(database, Clock(now=lambda: now[0], word=lambda: "x"), lambda: settings)
        try:
            await work(database, raiser, now)
        finally:
            await database.close()

    asyncio.run(whole())


async def create(database: Database, identifier: str, plan: str = "{}") -> None:
    run = RunRecord(
        id=identifier, spec_name="quick", spec_path="", base_directory="/", profile="", sets=(), plan_digest="",
        create_time=1_000, steps=(),
    )  # fmt: skip
    texts = Submission(spec_text="", plan_json=plan, request_id=None, request_digest="", watched=True)
    await database.write(lambda connection: runs.insert(connection, run, texts, Entry(kind="run_created")))


async def happen(database: Database, run: str, kind: str, **body: Any) -> None:
    entry = Entry(kind=kind, step="sft", attempt=1, body=body)
    await database.write(lambda connection: events.append(connection, run, entry, 1_000))


def told(database: Database) -> list[tuple[str, str]]:
    return [(item.run, item.kind) for item in alerts.page(database.read, before=0, limit=100)][::-1]


def test_figures_that_make_no_sense_and_a_broken_plan_cost_no_other_run_its_alerts(tmp_path: Path) -> None:
    async def work(database: Database, raiser: Raiser, _: list[int]) -> None:
        await create(database, "r1")
        await create(database, "r2", plan="[]")
        await happen(database, "r1", "metric", values={"loss": 1.0})
        await happen(database, "r1", "metric", values={"loss": {"mean": 9.0}})
        await happen(database, "r2", "run_failed", message="no disk")
        await raiser.raise_all()
        assert told(database) == [("r2", "run_failed")]
        assert alerts.triggers(database.read, 10) == []

    on_a_store(tmp_path, (FAILED, LOSS), work)


def test_a_run_that_waits_is_told_once_and_its_plan_read_once(tmp_path: Path) -> None:
    async def work(database: Database, raiser: Raiser, now: list[int]) -> None:
        await create(database, "r1", plan="[]")
        now[0] += 9_000
        await raiser.raise_all()
        statements: list[str] = []
        database.read.set_trace_callback(statements.append)
        await raiser.raise_all()
        database.read.set_trace_callback(None)
        assert len(statements) == 2, "one look for triggers, one for runs that wait, however many there are"
        assert told(database) == []
        now[0] += 1_000
        await raiser.raise_all()
        await raiser.raise_all()
        now[0] += 5_000
        await raiser.raise_all()
        assert told(database) == [("r1", "queued")]

    on_a_store(tmp_path, (LATE,), work)
