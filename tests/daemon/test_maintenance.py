"""Maintenance: nothing begins, what runs comes to its end, services stay; also over a restart of the daemon."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from harness.daemons import PACKAGE_ROOT, Daemon, eventually, source_of
from harness.plans import a_plan, a_step, write

from tunewright.client.local import socket_target
from tunewright.compiler.ir.plan import StepResources

READY = {"emit": {"kind": "ready", "address": "http://127.0.0.1:1"}}


def steps_begin(daemon: Daemon) -> bool:
    with grpc.insecure_channel(socket_target(daemon.home)) as channel:
        stub = health_pb2_grpc.HealthStub(channel)
        answer = stub.Check(health_pb2.HealthCheckRequest(service="tunewright.v1.Execution"))
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def tunewright(daemon: Daemon, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-P", "-m", "tunewright", *words]
    environment = {"TUNEWRIGHT_HOME": str(daemon.home), "PYTHONPATH": PACKAGE_ROOT, "PATH": "/usr/bin:/bin"}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=environment)


def test_nothing_begins_what_runs_ends_and_services_stay(daemon: Daemon, tmp_path: Path) -> None:
    client, go = daemon.client, tmp_path / "go"
    service = replace(a_step("chat", [READY, {"sleep": 300}]), service=True)
    daemon.finish(client.create_run(source_of(a_plan(service, name="served"))).run.id)
    steps = (a_step("one", [{"wait_for": str(go)}, write("m", "x")]), a_step("two", [write("n", "y")], needs=["one"]))
    going = client.create_run(source_of(a_plan(*steps, name="going"))).run.id
    eventually(lambda: client.get_run(going).run.step("one").state == "running")
    assert steps_begin(daemon)

    who = client.who_am_i().subject
    begun = client.drain(reason="new driver", deadline_seconds=3600)
    assert (begun.reason, begun.running_steps, begun.begun_by) == ("new driver", 1, who)
    assert begun.deadline is not None
    eventually(lambda: not steps_begin(daemon))
    waiting = client.create_run(source_of(a_plan(a_step("three", [write("o", "z")]), name="waiting"))).run.id
    go.touch()
    eventually(lambda: client.get_run(going).run.step("one").state == "succeeded")

    daemon.kill()
    daemon.start()
    client = daemon.client
    lasting = client.server_info().maintenance
    assert lasting is not None
    assert (lasting.reason, lasting.running_steps, lasting.deadline) == ("new driver", 0, begun.deadline)
    assert not steps_begin(daemon)
    assert client.get_run(going).run.step("two").state == "waiting"
    assert client.get_run(waiting).run.state == "queued"
    why = next(event for event in daemon.events(waiting) if event.kind == "step_waiting")
    assert "maintenance (new driver)" in why.body["message"]
    assert client.get_deployment("served-chat").state == "live"

    client.undrain()
    assert daemon.finish(going).state == daemon.finish(waiting).state == "succeeded"
    assert client.server_info().maintenance is None
    eventually(lambda: steps_begin(daemon))


@pytest.mark.parametrize("asked", [{"checkpoint": True}, {"deadline_seconds": 1}])
def test_training_stops_at_a_checkpoint_and_goes_on_afterwards(daemon: Daemon, asked: dict[str, Any]) -> None:
    client = daemon.client
    steps = (a_step("one", [{"wait_for_pause": True}, write("m", "x")]), a_step("two", [write("n", "y")]))
    run = client.create_run(source_of(a_plan(*steps))).run.id
    eventually(lambda: client.get_run(run).run.step("one").state == "running")
    client.drain(reason="new driver", **asked)
    eventually(lambda: (lasting := client.server_info().maintenance) and lasting.running_steps == 0)
    waiting = client.get_run(run).run
    assert waiting.step("one").state == "waiting", "it is no failure, and nobody has to resume it"
    told = next(event for event in daemon.events(run) if event.kind == "step_preempted")
    assert told.body["message"] == "it made room for maintenance of the machine"
    client.undrain()
    ended = daemon.finish(run)
    assert ended.state == "succeeded"
    assert ended.step("one").attempt == 2


def test_the_command_line_drains_waits_and_goes_on(daemon: Daemon) -> None:
    begun = tunewright(daemon, "daemon", "drain", "--reason", "a new disk", "--deadline", "2h", "--wait")
    assert begun.returncode == 0, begun.stderr
    assert "no step begins since" in begun.stdout
    assert "(a new disk); 0 steps still running, asked to stop at a checkpoint from" in begun.stdout
    assert begun.stdout.endswith("no step runs\n")
    shown = tunewright(daemon, "daemon", "status")
    assert shown.returncode == 0, shown.stderr
    assert "a new disk" in shown.stdout
    assert tunewright(daemon, "daemon", "undrain").stdout == "steps begin again\n"
    assert tunewright(daemon, "daemon", "undrain").stdout == "there was no maintenance; steps begin as before\n"
    assert "maintenance  none" in tunewright(daemon, "daemon", "--home", str(daemon.home), "status").stdout
    refused = tunewright(daemon, "daemon", "drain", "--deadline", "soon")
    assert refused.returncode == 2
    assert "`soon` is no duration" in refused.stderr


def test_every_change_is_in_the_log_of_the_machine(daemon: Daemon) -> None:
    client = daemon.client
    who = client.who_am_i().subject
    client.drain(reason="first")
    client.drain(reason="second", checkpoint=True)
    client.undrain()
    client.undrain()
    told = [(event.kind, event.actor, event.reason) for event in client.machine_events()]
    assert told == [
        ("maintenance_ended", who, ""),
        ("maintenance_changed", who, "second"),
        ("maintenance_begun", who, "first"),
    ]
    assert next(iter(client.machine_events())).subject == ""
    shown = tunewright(daemon, "access", "log", "--machine", "--last", "2")
    assert [line.split("  ")[1:] for line in shown.stdout.splitlines()] == [
        ["maintenance_ended", who],
        ["maintenance_changed", who, "second"],
    ]


def test_limits_that_are_not_kept_are_told(stopped_daemon: Daemon, tmp_path: Path) -> None:
    """A folder in the place of a control group: it takes what is written and keeps nothing."""
    (tmp_path / "group").mkdir()
    client = stopped_daemon.start("--cgroup", str(tmp_path / "group")).client
    info = client.server_info()
    assert not info.steps_limited
    assert "has no say about cpu and memory" in info.limits_reason
    limited = replace(a_step("one", [write("m", "x")]), resources=StepResources(memory_bytes=2**30))
    run = client.create_run(source_of(a_plan(limited, a_step("two", [write("n", "y")])))).run.id
    assert stopped_daemon.finish(run).state == "succeeded"
    told = [event for event in stopped_daemon.events(run) if event.body.get("code") == "LIMITS_NOT_KEPT"]
    assert [(event.step, event.attempt) for event in told] == [("one", 1)]
    assert info.limits_reason in told[0].body["message"]
