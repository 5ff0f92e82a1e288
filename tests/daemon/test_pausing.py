"""Pausing and going on: nothing is lost, all is told, and a changed continuation is never taken for the plan's."""

import os
import subprocess
import sys
from contextlib import suppress
from dataclasses import replace
from typing import Any

import pytest
from harness.daemons import PACKAGE_ROOT, Daemon, eventually
from harness.plans import a_plan, a_step, role, write

from tunewright.client.api import connect
from tunewright.client.cli import exits
from tunewright.client.errors import ClientError, RefusedError
from tunewright.client.local import socket_target
from tunewright.client.values import Run
from tunewright.compiler.ir.plan import Limits, Step

PAUSABLE = [{"wait_for_pause": True}, write("adapter.txt", "delta"), role("adapter")]
TRIPPED = {"pause": {"reason": "LOSS_SPIKE", "message": "the loss 9 lies 40 standard deviations above", "help": "..."}}


def training(name: str = "sft", script: Any = PAUSABLE, *, needs: tuple[str, ...] = (), **more: Any) -> Step:
    step = a_step(name, script, needs=needs, **more)
    return replace(
        step,
        parameters={**step.parameters, "learning_rate": 0.001},
        identity={
            f"steps.{name}.train.learning_rate": 0.001,
            "data.rows": "sha256:d",
            **{f"step.{other}": "x" for other in needs},
        },
    )


def rests(daemon: Daemon, run: str) -> Run:
    client = daemon.client
    return eventually(lambda: (found := client.get_run(run).run).paused and found)


def up(daemon: Daemon, run: str, step: str) -> None:
    client = daemon.client
    eventually(lambda: client.get_run(run).run.step(step).state == "running")


def paused_training(daemon: Daemon, *more: Step) -> Run:
    run = daemon.submit(a_plan(training(), *more)).run.id
    up(daemon, run, "sft")
    assert daemon.client.pause(run, by="alice", reason="the machine is needed").state == "pausing"
    return rests(daemon, run)


def test_a_person_pauses_a_run_and_goes_on_with_the_same_work(daemon: Daemon) -> None:
    run = paused_training(daemon, a_step("exam", [write("m.txt", "1")], needs=["sft"]))
    assert [step.state for step in run.steps] == ["paused", "waiting"]
    assert run.failure is not None
    assert (run.failure.reason, run.failure.message) == (
        "PAUSE_WANTED",
        "alice asked for it: the machine is needed",
    )
    assert daemon.client.server_info().active_runs == 0, "a run that rests keeps no private daemon"
    assert daemon.client.pause(run.id).state == "paused"

    assert daemon.client.resume(run.id, by="bob").state in ("queued", "running")
    ended = daemon.finish(run.id)
    assert [step.state for step in ended.steps] == ["succeeded", "succeeded"]
    assert (ended.step("sft").attempt, ended.failure) == (2, None)
    told = [(event.kind, event.step) for event in daemon.events(run.id) if "pau" in event.kind or "resum" in event.kind]
    assert told == [
        ("run_pausing", ""),
        ("paused", "sft"),
        ("step_paused", "sft"),
        ("run_paused", ""),
        ("run_resumed", ""),
    ]
    resumed = next(event for event in daemon.events(run.id) if event.kind == "run_resumed")
    assert dict(resumed.body) == {"by": "bob", "reason": "", "steps": ["sft"]}


def test_a_pause_outlives_the_daemon(daemon: Daemon) -> None:
    run = paused_training(daemon)
    daemon.kill()
    daemon.start()
    assert daemon.client.get_run(run.id).run.state == "paused"
    daemon.client.resume(run.id)
    assert daemon.finish(run.id).state == "succeeded"


def test_a_step_that_trips_pauses_its_run_and_costs_no_retry(daemon: Daemon) -> None:
    script = [TRIPPED]
    run = daemon.submit(a_plan(training(script=script, limits=Limits(retries=0)))).run.id
    first = rests(daemon, run)
    assert first.failure is not None
    assert (first.failure.reason, first.failure.step) == ("LOSS_SPIKE", "sft")
    assert "40 standard deviations" in first.failure.message
    daemon.client.resume(run)
    eventually(lambda: daemon.client.get_run(run).run.step("sft").attempt == 2)
    assert rests(daemon, run).step("sft").attempt == 2
    daemon.client.cancel(run)
    assert daemon.finish(run).state == "cancelled"


def test_steps_that_cannot_pause_come_to_their_end_first(daemon: Daemon) -> None:
    plan = a_plan(
        a_step("one", [{"wait_for": "work/go"}, write("a", "1")]), a_step("two", [write("b", "1")], needs=["one"])
    )
    run = daemon.submit(plan).run.id
    up(daemon, run, "one")
    daemon.client.pause(run)
    (daemon.bundle(run, "one") / "work" / "go").touch()
    assert [step.state for step in rests(daemon, run).steps] == ["succeeded", "waiting"]
    daemon.client.resume(run)
    assert daemon.finish(run).state == "succeeded"


def test_going_on_with_another_setting_is_another_run_with_lineage(daemon: Daemon) -> None:
    exam = replace(a_step("exam", [write("m.txt", "1")], needs=["sft"]), identity={"suite": "s", "step.sft": "x"})
    old = paused_training(daemon, exam)
    new = daemon.client.resume(old.id, sets=["learning_rate=0.0001"], by="bob", reason="spikes", request_id="once")
    assert new.id != old.id
    assert new.retry_of == old.id
    ended = daemon.finish(new.id)
    assert ended.state == "succeeded", ended.failure
    assert daemon.client.get_run(old.id).run.state == "cancelled"
    assert daemon.client.resume(old.id, sets=["learning_rate=0.0001"], request_id="once").id == new.id
    assert (daemon.bundle(new.id, "sft") / "work" / "checkpoints" / "checkpoint-7").is_dir()

    plan = daemon.client.get_run(new.id).plan
    step = next(item for item in plan["steps"] if item["name"] == "sft")
    assert step["parameters"]["learning_rate"] == 0.0001
    assert step["identity"]["steps.sft.continued"] == {
        "step_digest": old.step("sft").digest,
        "checkpoint_step": 7,
        "checkpoint_digest": f"sha256:{'7' * 64}",
        "changed": {"learning_rate": {"from": 0.001, "to": 0.0001}},
    }
    assert step["provenance"]["continued"] == f"written: resumed by bob at checkpoint 7 of run {old.id}: spikes"
    assert plan["sets"] == ["steps.sft.train.learning_rate=0.0001"]

    digests = {item.step: item.step_digest for item in daemon.client.artifacts(run=new.id)}
    fresh = daemon.submit(a_plan(training(), exam), validate_only=True)
    assert [action.action for action in fresh.actions] == ["rerun", "rerun"], "its results are not the plan's"
    assert not set(digests.values()) & {step.digest for step in fresh.run.steps}


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_changed_continuation_takes_the_place_of_its_run_or_is_not_there(stopped_daemon: Daemon, when: str) -> None:
    daemon = stopped_daemon.start()
    old = paused_training(daemon).id
    for number in range(1, 4):
        daemon.kill()
        daemon.start(crash_at=f"{when} commit {number}")
        with suppress(ClientError), connect(socket_target(daemon.home), patience_seconds=0.0) as client:
            client.resume(old, sets=["learning_rate=0.0001"], request_id="once")
        if not daemon.ended():
            daemon.kill()
        daemon.wait()
        daemon.start()
        found = {run.id: run for run in daemon.client.list_runs()}
        if (went_on := found[old].state == "cancelled") != (len(found) == 2):
            pytest.fail(f"half of it is there when killed {when} commit {number}: {found}")
        if went_on:
            break
    else:
        daemon.client.resume(old, sets=["learning_rate=0.0001"], request_id="once")
    (new,) = [run for run in daemon.client.list_runs() if run.id != old]
    assert daemon.client.get_run(old).run.state == "cancelled"
    assert daemon.client.resume(old, sets=["learning_rate=0.0001"], request_id="once").id == new.id
    assert daemon.finish(new.id).state == "succeeded"
    daemon.events(old)


def test_a_failed_training_can_go_on_changed(daemon: Daemon) -> None:
    checkpoint = {"emit": {"kind": "checkpoint", "step": 3, "path": "work/checkpoints/checkpoint-3"}}
    script = [checkpoint, {"fail": {"reason": "NAN_LOSS", "message": "not a number"}}]
    old = daemon.finish(daemon.submit(a_plan(training(script=script))).run.id)
    assert old.state == "failed"
    new = daemon.client.resume(old.id, step="sft", sets=["learning_rate=0.0001"])
    found = next(item for item in daemon.client.get_run(new.id).plan["steps"] if item["name"] == "sft")
    assert found["identity"]["steps.sft.continued"]["checkpoint_step"] == 3
    assert daemon.client.get_run(old.id).run.state == "failed"
    daemon.finish(new.id)


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        ({"sets": ["seed=3"]}, "FIELD_INVALID"),
        ({"sets": ["learning_rate=0.1"], "step": "exam"}, "FIELD_INVALID"),
        ({"sets": ["learning_rate=0.001"]}, "PLAN_CHANGED"),
        ({"sets": ["learning_rate=0.1"]}, "CHECKPOINT_MISSING"),
        ({}, "RUN_NOT_PAUSED"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_makes_no_sense_is_refused(daemon: Daemon, asked: dict[str, Any], reason: str) -> None:
    wanting = [{"fail": {"reason": "BROKEN", "message": "broken"}}]
    checkpoint = {"emit": {"kind": "checkpoint", "step": 3, "path": "work/checkpoints/checkpoint-3"}}
    script = wanting if reason == "CHECKPOINT_MISSING" else [checkpoint, *wanting]
    run = daemon.finish(daemon.submit(a_plan(training(script=script))).run.id).id
    with pytest.raises(RefusedError) as refused:
        daemon.client.resume(run, **asked)
    assert refused.value.reason == reason


def test_from_the_command_line(daemon: Daemon) -> None:
    def tunewright(*arguments: str) -> "subprocess.CompletedProcess[str]":
        environment = {**os.environ, "PYTHONPATH": PACKAGE_ROOT, "TUNEWRIGHT_HOME": str(daemon.home)}
        command = [sys.executable, "-P", "-m", "tunewright", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    told = [{"emit": {"kind": "phase", "name": "warming up"}}, {"emit": {"kind": "warning", "message": "odd rows"}}]
    run = daemon.submit(a_plan(training(script=[*told, *PAUSABLE]))).run.id
    up(daemon, run, "sft")
    eventually(lambda: any(event.kind == "warning" for event in daemon.client.list_events(run)))
    paused = tunewright("pause", run, "--reason", "lunch")
    assert (paused.returncode, paused.stdout) == (0, f"run {run}: paused\n")
    assert f"go on: tunewright resume {run}" in paused.stderr
    assert "paused" in tunewright("runs").stdout
    watched = tunewright("watch", run)
    assert watched.returncode == exits.PAUSED
    assert "asked for it: lunch  [PAUSE_WANTED]" in watched.stdout
    assert f"tunewright resume {run} --set learning_rate=..." in watched.stdout
    refused = tunewright("resume", run, "--set", "seed=3")
    assert refused.returncode == exits.REFUSED
    assert "`seed=3` can't change at a checkpoint" in refused.stderr
    resumed = tunewright("resume", run)
    assert resumed.returncode == 0, resumed.stdout + resumed.stderr
    lived, _, summary = resumed.stdout.partition("succeeded in")
    assert summary.count("odd rows") == 1, "the summary is of the whole run"
    assert (lived.count("warming up"), lived.count("odd rows")) == (1, 1), "what the attempt before said is no news"
