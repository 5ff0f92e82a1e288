"""The daemon dies at any point and comes back: nothing is lost, nothing is done twice, sequences have no gap."""

import json
import os
import signal

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_gate, a_plan, a_step, metrics, write

from tunewright.client.errors import UnreachableError
from tunewright.compiler.ir.plan import Plan
from tunewright.runners.supervision.record import read_processes

WAIT = {"wait_for": "work/go"}


def count_starts(daemon: Daemon, run: str) -> dict[str, int]:
    """How often each attempt's runner said that it started."""
    counts = {}
    for events in (daemon.home / "bundles" / run).glob("*/*/events.jsonl"):
        lines = [json.loads(line) for line in events.read_text().splitlines()]
        counts["/".join(events.parts[-3:-1])] = sum(line["kind"] == "started" for line in lines)
    return counts


def a_small_life() -> Plan:
    return a_plan(
        a_step("exam", [{"say": "hello"}, metrics({"s": {"m": 0.5}})]),
        a_gate("gate", ["exam.s.m > 0.1"], needs=["exam"]),
        a_step("pack", [write("f", "x")], needs=["exam", "gate"]),
    )


def test_killed_while_a_step_runs(daemon: Daemon) -> None:
    emit = [{"emit": {"kind": "phase", "name": str(n)}} for n in range(50)]
    run = daemon.submit(a_plan(a_step("sft", [*emit, WAIT, *emit, write("m", "x")]))).run.id
    client = daemon.client
    eventually(lambda: client.get_run(run).run.last_sequence > 50)
    daemon.kill()
    (daemon.bundle(run, "sft") / "work" / "go").touch()
    eventually((daemon.bundle(run, "sft") / "exit.json").exists)

    daemon.start()
    ended = daemon.finish(run)

    assert ended.state == "succeeded"
    assert ended.step("sft").attempt == 1
    found = daemon.events(run)
    assert len([event for event in found if event.kind == "phase" and event.body["name"].isdecimal()]) == 100
    assert [event.kind for event in found].count("step_started") == 1
    assert count_starts(daemon, run) == {"sft/1": 1}


def test_killed_and_back_while_the_step_goes_on(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("sft", [WAIT, write("m", "x")]))).run.id
    client = daemon.client
    for _ in range(3):
        eventually(lambda: client.get_run(run).run.step("sft").state == "running")
        daemon.kill()
        daemon.start()
    (daemon.bundle(run, "sft") / "work" / "go").touch()
    assert daemon.finish(run).step("sft").attempt == 1
    assert count_starts(daemon, run) == {"sft/1": 1}
    daemon.events(run)


@pytest.mark.parametrize("point", ["before launch", "after launch", "before adopt", "after adopt"])
def test_killed_around_what_it_does_outside_of_transactions(stopped_daemon: Daemon, point: str) -> None:
    daemon = stopped_daemon.start(crash_at=point)
    run = daemon.submit(a_small_life()).run.id
    assert daemon.wait() == -signal.SIGKILL

    daemon.start()
    ended = daemon.finish(run)

    assert ended.state == "succeeded"
    assert [step.attempt for step in ended.steps] == [1, 0, 1]
    assert count_starts(daemon, run) == {"exam/1": 1, "pack/1": 1}
    daemon.events(run)


@pytest.mark.parametrize(
    ("when", "number"),
    [("after", 2), ("before", 3), ("after", 4), ("before", 5), ("after", 6), ("before", 7), ("after", 8)],
)
def test_killed_around_every_commit_of_a_run(stopped_daemon: Daemon, when: str, number: int) -> None:
    daemon = stopped_daemon.start(crash_at=f"{when} commit {number}")
    run = daemon.submit(a_small_life()).run.id
    assert daemon.wait() == -signal.SIGKILL

    daemon.start()
    ended = daemon.finish(run)

    assert ended.state == "succeeded"
    assert [step.attempt for step in ended.steps] == [1, 0, 1]
    assert count_starts(daemon, run) == {"exam/1": 1, "pack/1": 1}
    assert [event.kind for event in daemon.events(run)].count("run_succeeded") == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_killed_around_the_commit_of_create_run(stopped_daemon: Daemon, when: str) -> None:
    daemon = stopped_daemon.start(crash_at=f"{when} commit 1")
    with pytest.raises(UnreachableError):
        daemon.submit(a_small_life(), request_id="r1")
    daemon.wait()

    daemon.start()
    stored = len(list(daemon.client.list_runs()))
    assert stored == (1 if when == "after" else 0)
    run = daemon.submit(a_small_life(), request_id="r1").run.id
    assert [item.id for item in daemon.client.list_runs()] == [run]
    assert daemon.finish(run).state == "succeeded"


def test_lost_supervisor_is_cleaned_up_and_the_step_done_again(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("sft", [WAIT, write("m", "x")]))).run.id
    bundle = daemon.bundle(run, "sft")
    client = daemon.client
    eventually(lambda: client.get_run(run).run.step("sft").state == "running")
    supervisor, runner = eventually(lambda: all(found := read_processes(bundle)) and found)
    daemon.kill()
    os.kill(supervisor.pid, signal.SIGKILL)

    daemon.start()
    second = daemon.bundle(run, "sft", 2) / "work"
    eventually(second.is_dir)
    (second / "go").touch()
    ended = daemon.finish(run)

    assert ended.state == "succeeded"
    assert ended.step("sft").attempt == 2
    assert not runner.alive()
    (retrying,) = [event for event in daemon.events(run) if event.kind == "step_retrying"]
    assert retrying.body["reason"] == "LOST"


def test_cancel_asked_for_before_the_kill_is_done_after_it(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("deaf", [{"ignore_term": True}, {"hang": 300}]))).run.id
    client = daemon.client
    eventually(lambda: client.get_run(run).run.step("deaf").state == "running")
    client.cancel(run, mode="now")
    daemon.kill()
    daemon.start()
    assert daemon.finish(run).state == "cancelled"


def test_deployment_outlives_the_daemon_and_is_taken_up_again(daemon: Daemon) -> None:
    ready = {"emit": {"kind": "ready", "address": "http://127.0.0.1:9"}}
    plan = a_plan(a_step("chat", [ready, {"sleep": 300}], service=True))
    first = daemon.finish(daemon.submit(plan).run.id)
    daemon.client.shutdown()
    assert daemon.wait() == 0

    daemon.start()
    (alive,) = daemon.client.deployments()
    assert (alive.id, alive.state, alive.address) == ("quick-chat", "live", "http://127.0.0.1:9")
    again = daemon.finish(daemon.submit(plan).run.id)
    assert again.step("chat").state == "reused"
    assert again.step("chat").address == "http://127.0.0.1:9"

    supervisor, _ = read_processes(daemon.bundle(first.id, "chat"))
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    client = daemon.client
    failed = eventually(lambda: (found := client.get_deployment("quick-chat")).state == "failed" and found)
    assert failed.failure is not None
    assert failed.failure.reason == "LOST"


def test_second_daemon_on_the_same_home_is_refused(daemon: Daemon) -> None:
    second = Daemon(daemon.home)
    second.start()
    assert second.wait() == 1, "not 3: a service is tried again until the other one has ended"
    assert f"another Tunewright daemon (pid {daemon.pid}) owns {daemon.home}" in daemon.log
    assert daemon.client.server_info().pid == daemon.pid


def test_signal_drains_and_leaves_runners_alone(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("sft", [WAIT, write("m", "x")]))).run.id
    client = daemon.client
    eventually(lambda: client.get_run(run).run.step("sft").state == "running")
    os.kill(daemon.pid, signal.SIGTERM)
    assert daemon.wait() == 0
    assert not (daemon.home / "daemon.sock").exists()
    (daemon.bundle(run, "sft") / "work" / "go").touch()
    eventually((daemon.bundle(run, "sft") / "exit.json").exists)
    daemon.start()
    assert daemon.finish(run).state == "succeeded"
