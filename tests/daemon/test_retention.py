"""What is collected is what nothing keeps: by age, and by what is reached from runs that are kept."""

import asyncio
import fcntl
import os
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step, role, write
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.client.errors import RefusedError
from tunewright.daemon import errors
from tunewright.daemon.clock import system_clock
from tunewright.daemon.engine.in_use import InUse
from tunewright.daemon.home import Home
from tunewright.daemon.retention.collector import Collector
from tunewright.daemon.retention.facts import AttemptFact, Facts, RunFact
from tunewright.daemon.retention.garbage import GarbageKind, find_garbage
from tunewright.daemon.retention.policy import Retention
from tunewright.daemon.retention.reading import read_retention
from tunewright.daemon.retention.timetable import Timetable
from tunewright.daemon.store.database import Database, StorageBusyError

DAY = 24 * 3600 * 1000
NOW = 1000 * DAY
#: Everything that nothing keeps goes at once.
NOTHING = "artifacts_days: 0\ncheckpoints_days: 0\nlogs_days: 0\nkeep_last: 0\n"
MODEL = [write("m", "x" * 100), write("../work/c", "y" * 50), role("model")]


def a_run(identifier: str, **more: object) -> RunFact:
    fields = {"project": "default", "spec_name": "s", "active": False, "end_time": 0, "retry_of": None}
    return RunFact(id=identifier, **{**fields, "artifacts": frozenset(), **more})


def facts_of(*runs: RunFact, **more: object) -> Facts:
    artifacts = {digest: "default" for run in runs for digest in run.artifacts}
    empty = {"attempts": (), "artifacts": artifacts, "serving": frozenset(), "held": frozenset()}
    return Facts(runs={run.id: run for run in runs}, **{**empty, **more})


def collected(facts: Facts, **retention: int) -> set[str]:
    days = {"artifacts_days": 30, "checkpoints_days": 7, "logs_days": 90, "keep_last": 0}
    return {item.subject for item in find_garbage(facts, Retention(**{**days, **retention}), NOW)}


def test_artifact_goes_when_no_run_has_used_it_for_long_enough() -> None:
    old = a_run("old", end_time=NOW - 31 * DAY, artifacts=frozenset({"sha256:a", "sha256:b"}))
    new = a_run("new", end_time=NOW - 29 * DAY, artifacts=frozenset({"sha256:b"}))
    assert collected(facts_of(old, new)) == {"artifacts/a"}
    assert collected(facts_of(old, new), artifacts_days=40) == set()


@pytest.mark.parametrize(
    "keeping",
    [
        {"held": frozenset({"artifacts/a"})},
        {"held": frozenset({"runs/r"})},
        {"serving": frozenset({"r"})},
    ],
)
def test_what_is_held_or_served_stays(keeping: dict[str, frozenset[str]]) -> None:
    assert collected(facts_of(a_run("r", artifacts=frozenset({"sha256:a"})), **keeping)) == set()


def test_last_runs_of_each_spec_stay() -> None:
    runs = [
        a_run(f"{spec}{n}", spec_name=spec, artifacts=frozenset({f"sha256:{spec}{n}"})) for n in "123" for spec in "ab"
    ]
    assert collected(facts_of(*runs), keep_last=2) == {"artifacts/a1", "artifacts/b1"}


def test_what_an_active_run_goes_on_from_stays() -> None:
    first = a_run("first", artifacts=frozenset({"sha256:a"}))
    second = a_run("second", retry_of="first")
    third = a_run("third", retry_of="second", active=True)
    attempts = tuple(
        AttemptFact(run=run, step="s", number=1, end_time=1, unfinished=True) for run in ("first", "second")
    )
    assert collected(facts_of(first, second, third, attempts=attempts)) == set()
    alone = facts_of(first, second, attempts=attempts)
    assert collected(alone, logs_days=2000) == {
        "artifacts/a", "runs/first/steps/s/attempts/1", "runs/second/steps/s/attempts/1",
    }  # fmt: skip


def test_checkpoints_go_before_logs_and_stay_where_a_retry_needs_them() -> None:
    run = a_run("r", end_time=NOW - 8 * DAY)
    done = AttemptFact(run="r", step="done", number=1, end_time=NOW - 8 * DAY, unfinished=False)
    failed = replace(done, step="failed", unfinished=True)
    found = {item.subject: item.kind for item in find_garbage(facts_of(run, attempts=(done, failed)), Retention(), NOW)}
    assert found == {done.subject: GarbageKind.CHECKPOINTS}, "keep_last keeps the run: its failed step can be retried"
    kinds = {
        item.kind for item in find_garbage(facts_of(run, attempts=(done,)), Retention(logs_days=5, keep_last=0), NOW)
    }
    assert kinds == {GarbageKind.LOGS}


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_nothing_that_is_needed_is_ever_garbage(data: st.DataObject) -> None:
    digests = st.frozensets(st.sampled_from([f"sha256:{n}" for n in range(6)]))
    runs: list[RunFact] = []
    for n in range(data.draw(st.integers(1, 7))):
        earlier = data.draw(st.sampled_from([None, *(run.id for run in runs)]))
        run = a_run(
            f"r{n}",
            spec_name=data.draw(st.sampled_from("ab")),
            active=data.draw(st.booleans()),
            end_time=data.draw(st.integers(0, NOW)),
            retry_of=earlier,
            artifacts=data.draw(digests),
        )
        runs.append(run)
    names = [f"runs/{run.id}" for run in runs] + [f"artifacts/{n}" for n in range(6)]
    held = data.draw(st.frozensets(st.sampled_from(names)))
    serving = data.draw(st.frozensets(st.sampled_from([run.id for run in runs])))
    attempts = tuple(
        AttemptFact(
            run=run.id, step="s", number=1, end_time=data.draw(st.integers(0, NOW)), unfinished=data.draw(st.booleans())
        )
        for run in runs
    )
    days = st.integers(0, 1200)
    retention = Retention(
        artifacts_days=data.draw(days), checkpoints_days=data.draw(days), logs_days=data.draw(days),
        keep_last=data.draw(st.integers(0, 3)),
    )  # fmt: skip
    facts = facts_of(*runs, attempts=attempts, held=held, serving=serving)
    found = {item.subject for item in find_garbage(facts, retention, NOW)}
    assert not found & held
    for run in runs:
        if run.active or run.id in serving or f"runs/{run.id}" in held:
            assert not {f"artifacts/{digest.removeprefix('sha256:')}" for digest in run.artifacts} & found
            assert f"runs/{run.id}/steps/s/attempts/1" not in found
            if run.active and run.retry_of is not None:
                earlier = next(item for item in attempts if item.run == run.retry_of)
                assert not (earlier.unfinished and earlier.subject in found)


@pytest.fixture
def filled(daemon: Daemon) -> tuple[Daemon, str, str]:
    """A daemon with two ended runs of `quick`, the second a rerun with another model, and a retention of nothing."""
    plans = [a_plan(a_step("sft", [write("n", str(n)), *MODEL])) for n in range(2)]
    first, second = (daemon.finish(daemon.submit(plan).run.id).id for plan in plans)
    (daemon.home / "retention.yaml").write_text(NOTHING)
    return daemon, first, second


def test_dry_run_says_it_and_collecting_does_it(filled: tuple[Daemon, str, str]) -> None:
    daemon, first, second = filled
    client = daemon.client
    (daemon.home / "retention.yaml").write_text("artifacts_days: 0\nlogs_days: 0\nkeep_last: 1\n")
    digest = client.get_run(first).run.step("sft").artifact
    planned = client.collect_garbage(validate_only=True)
    assert {(item.kind, item.subject) for item in planned.garbage} == {
        ("artifact", f"artifacts/{digest.removeprefix('sha256:')}"),
        ("logs", f"runs/{first}/steps/sft/attempts/1"),
    }
    assert planned.size_bytes > 150
    assert planned.retention == {"artifacts_days": 0, "checkpoints_days": 7, "logs_days": 0, "keep_last": 1}
    assert client.get_artifact(digest).intact, "a dry run takes nothing"
    assert client.collect_garbage() == planned
    assert not client.get_artifact(digest).intact
    assert not daemon.bundle(first, "sft").exists()
    assert daemon.bundle(second, "sft").exists()
    assert client.collect_garbage().count == 0
    assert [event.kind for event in daemon.events(first)][-1] == "run_succeeded", "the run's record stays"
    with closing(sqlite3.connect(daemon.home / "control.db")) as store:
        rows = store.execute("SELECT kind, actor FROM collected ORDER BY kind").fetchall()
    assert [row[0] for row in rows] == ["artifact", "logs"]
    assert all(row[1] for row in rows)
    again = daemon.finish(daemon.submit(a_plan(a_step("sft", [write("n", "0"), *MODEL]))).run.id)
    assert (again.step("sft").state, again.step("sft").artifact) == ("succeeded", digest), "made anew, not taken"
    assert client.get_artifact(digest).intact


def test_what_is_held_stays_until_it_is_released(filled: tuple[Daemon, str, str]) -> None:
    daemon, first, second = filled
    client = daemon.client
    held = client.hold(f"runs/{first}", reason="case 17")
    assert client.hold(f"runs/{first}", reason="again") == held
    digest = client.get_run(second).run.step("sft").artifact.removeprefix("sha256:")
    client.hold(f"artifacts/{digest}", reason="evidence")
    client.collect_garbage()
    assert client.get_artifact(client.get_run(first).run.step("sft").artifact).intact
    assert client.get_artifact(digest).intact
    assert (daemon.bundle(first, "sft") / "work" / "c").exists()
    assert not daemon.bundle(second, "sft").exists()
    released = client.release(f"runs/{first}", reason="closed")
    assert (released.release_reason, bool(released.release_time)) == ("closed", True)
    assert [item.subject for item in client.holds()] == [f"artifacts/{digest}"]
    assert [item.subject for item in client.holds(released=True)] == [f"artifacts/{digest}", f"runs/{first}"]
    client.collect_garbage()
    assert not daemon.bundle(first, "sft").exists()
    for call, reason in (
        (lambda: client.release(f"runs/{first}", reason="x"), "HOLD_NOT_FOUND"),
        (lambda: client.hold("runs/nope", reason="x"), "RUN_NOT_FOUND"),
        (lambda: client.hold("artifacts/" + "0" * 64, reason="x"), "ARTIFACT_NOT_FOUND"),
        (lambda: client.hold(f"runs/{first}", reason=" "), "FIELD_INVALID"),
        (lambda: client.hold("secrets/TOKEN", reason="x"), "FIELD_INVALID"),
    ):
        with pytest.raises(RefusedError) as caught:
            call()
        assert caught.value.reason == reason


def test_active_runs_and_services_lose_nothing(filled: tuple[Daemon, str, str]) -> None:
    daemon, _, _ = filled
    client = daemon.client
    ready = {"emit": {"kind": "ready", "address": "http://127.0.0.1:1"}}
    served = a_plan(
        a_step("sft", [write("n", "served"), *MODEL]),
        replace(a_step("chat", [ready, {"sleep": 300}], needs=["sft"]), service=True),
        name="served",
    )
    daemon.finish(daemon.submit(served).run.id)
    going = a_plan(
        a_step("sft", [write("n", "on"), *MODEL]), a_step("next", [{"sleep": 300}], needs=["sft"]), name="on"
    )
    run = daemon.submit(going).run.id
    eventually(lambda: client.get_run(run).run.step("next").state == "running")
    gone = {item.subject for item in client.collect_garbage().garbage}
    assert len(gone) == 4, "two artifacts and two bundles of the runs that have ended"
    for item in client.artifacts():
        assert item.intact is (item.spec_name != "quick")
    assert client.get_deployment("served-chat").state == "live"
    client.cancel(run, mode="now")
    daemon.finish(run)


def test_nothing_is_collected_while_a_backup_is_made_or_the_policy_is_wrong(filled: tuple[Daemon, str, str]) -> None:
    daemon, first, _ = filled
    client = daemon.client
    backing_up = os.open(daemon.home / "collect.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(backing_up, fcntl.LOCK_SH)
    with pytest.raises(RefusedError, match="a backup is being made"):
        client.collect_garbage()
    os.close(backing_up)
    wrong = {"artefact_days: 3\n": "artefact_days", "artifacts_days: -1\n": "artifacts_days", "[": "retention.yaml:1"}
    for text, told in wrong.items():
        (daemon.home / "retention.yaml").write_text(text)
        with pytest.raises(RefusedError, match=told) as caught:
            client.collect_garbage()
        assert caught.value.reason == "RETENTION_INVALID"
        assert "nothing is collected without it" in caught.value.message
    assert daemon.bundle(first, "sft").exists()


def test_what_a_dead_daemon_left_out_of_sight_is_removed(filled: tuple[Daemon, str, str]) -> None:
    daemon, first, _ = filled
    bundle = daemon.bundle(first, "sft")
    aside = bundle.with_name(".1.collected")
    bundle.rename(aside)
    assert "logs" not in {item.kind for item in daemon.client.collect_garbage().garbage if first in item.subject}
    assert not aside.exists()
    assert not list(Path(daemon.home).glob("artifacts/sha256/*/.*"))


def with_one_artifact(folder: Path) -> tuple[Collector, Path]:
    """Return the collector of a home that holds one artifact, which nothing keeps, and the artifact's place."""
    home = Home(folder)
    home.create()
    place = home.artifact("sha256:" + "a" * 64)
    place.mkdir(parents=True)
    database = Database(home.database)
    database.start(lambda: None)
    insert = "INSERT INTO artifacts (digest, step_digest, role, kind, run, step, spec_name, size_bytes, file_count,"
    insert += " create_time) VALUES (?, 'd', 'model', 'fake', 'r', 's', 'n', 0, 0, 0)"
    with closing(sqlite3.connect(home.database)) as store, store:
        store.execute(insert, ("sha256:" + "a" * 64,))
    return Collector(database=database, home=home, clock=system_clock(), in_use=InUse()), place


def test_what_can_not_be_written_down_stays(tmp_path: Path) -> None:
    async def work() -> None:
        collector, place = with_one_artifact(tmp_path)
        database = collector.database
        await database.write(lambda connection: connection.execute("PRAGMA busy_timeout = 0") and None)
        with closing(sqlite3.connect(tmp_path / "control.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StorageBusyError):
                await collector.collect(Retention())
        assert place.exists()
        assert len(await collector.collect(Retention())) == 1
        assert not place.exists()
        await database.close()

    asyncio.run(work())


def test_artifact_that_a_step_is_about_to_take_is_left_alone(tmp_path: Path) -> None:
    """The store does not say yet that the step takes it: only the daemon itself knows."""

    async def work() -> tuple[int, int]:
        collector, _ = with_one_artifact(tmp_path)
        with collector.in_use.hold("sha256:" + "a" * 64):
            kept = len(await collector.collect(Retention()))
        gone = len(await collector.collect(Retention()))
        await collector.database.close()
        return kept, gone

    assert asyncio.run(work()) == (0, 1)


def test_daemon_collects_by_itself_as_often_as_the_site_says(filled: tuple[Daemon, str, str]) -> None:
    daemon, first, _ = filled
    daemon.kill()
    (daemon.home / "retention.yaml").write_text(NOTHING + "every: 1d\n")
    backing_up = os.open(daemon.home / "collect.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(backing_up, fcntl.LOCK_SH)
    daemon.start()
    eventually(lambda: "garbage is not collected: a backup is being made" in daemon.log)
    assert daemon.bundle(first, "sft").exists()
    os.close(backing_up)
    daemon.kill()
    daemon.start()
    eventually(lambda: "collected 4 things that nothing keeps" in daemon.log)
    assert not daemon.bundle(first, "sft").exists()
    with closing(sqlite3.connect(daemon.home / "control.db")) as store:
        assert store.execute("SELECT DISTINCT actor FROM collected").fetchall() == [("daemon",)]


def test_time_for_collecting_counts_from_the_last_time_over_restarts_and_turned_clocks(tmp_path: Path) -> None:
    home, now = Home(tmp_path), [NOW]
    home.create()

    async def looks(*times: int) -> list[bool]:
        database = Database(home.database)
        database.start(lambda: None)
        clock = replace(system_clock(), now=lambda: now[0])
        collector = Collector(database=database, home=home, clock=clock, in_use=InUse())
        done = []
        for now[0] in times:
            timetable = Timetable(collector=collector, home=home, now=clock.now)
            done.append(await timetable.look())
        await database.close()
        return done

    assert asyncio.run(looks(NOW)) == [False], "nobody asked for it"
    (tmp_path / "retention.yaml").write_text("keep_last: 1\n")
    assert asyncio.run(looks(NOW)) == [False]
    (tmp_path / "retention.yaml").write_text("every: 12h\n")
    assert asyncio.run(looks(NOW, NOW, NOW + DAY // 2 - 1, NOW + DAY // 2)) == [True, False, False, True]
    assert asyncio.run(looks(NOW + DAY // 2 + 1, NOW + DAY, NOW - 5 * DAY, NOW - 5 * DAY)) == [
        False,
        True,
        True,
        False,
    ]
    (tmp_path / "retention.yaml").write_text("every: 1s\n")
    assert asyncio.run(looks(NOW + 9 * DAY)) == [False]
    with pytest.raises(errors.RefusedError) as caught:
        read_retention(tmp_path)
    assert "`every`: garbage is collected every minute (`1m`) at the most" in caught.value.message
