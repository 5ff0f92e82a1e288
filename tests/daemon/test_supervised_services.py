"""Services stay: they are asked whether they are well, started again, given up when they never stay, drained."""

import os
import signal
import socket
import sys
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_shell_step, a_step

from tunewright.client.values import Deployment
from tunewright.compiler.ir.plan import Step, Supervision
from tunewright.runners.supervision.record import read_processes

SERVICE = Path(__file__).parent / "shared" / "harness" / "small_service.py"
QUICK = Supervision(
    address=None,
    health_path="/health",
    interval_seconds=600.0,
    failures=2,
    restarts=2,
    pause_seconds=0.3,
    stable_seconds=600.0,
)
READY = {"emit": {"kind": "ready", "address": "http://127.0.0.1:9"}}


def a_service(name: str = "chat", **more: Any) -> Step:
    """Return a service that says itself when it is ready, and stays."""
    return a_step(name, [READY, {"sleep": 600}], service=True, supervision=QUICK, **more)


def a_listening_service(port: int, **supervision: Any) -> Step:
    """Return a service that answers on a port and says nothing of itself."""
    step = a_shell_step("chat", f"exec {sys.executable} {SERVICE} {port}", service=True)
    how = {"interval_seconds": 0.2, "timeout_seconds": 0.5, "restarts": 3, **supervision}
    return replace(
        step, supervision=replace(QUICK, address=f"http://127.0.0.1:{port}", **how), parameters={"port": port}
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def deploy(daemon: Daemon, step: Step, name: str) -> str:
    run = daemon.finish(daemon.submit(a_plan(step, name=name)).run.id)
    assert run.state == "succeeded", run.failure
    return run.id


def stands(daemon: Daemon, name: str, state: str) -> Deployment:
    client = daemon.client
    return eventually(lambda: (found := client.get_deployment(name)).state == state and found)


def kinds(daemon: Daemon, run: str) -> list[str]:
    return [event.kind for event in daemon.events(run) if event.kind.startswith("deployment_")]


def kill_runner(daemon: Daemon, run: str, attempt: int = 1) -> None:
    _, runner = eventually(lambda: all(found := read_processes(daemon.bundle(run, "chat", attempt))) and found)
    os.kill(runner.pid, signal.SIGKILL)


def test_service_that_dies_is_started_again_as_another_attempt(shared_daemon: Daemon) -> None:
    daemon = shared_daemon
    run = deploy(daemon, a_service(), "dies")
    kill_runner(daemon, run)
    stands(daemon, "dies-chat", "restarting")
    found = stands(daemon, "dies-chat", "live")
    assert found.revision == 1
    assert kinds(daemon, run) == ["deployment_restarting", "deployment_live"]
    (told,) = [event.body for event in daemon.events(run) if event.kind == "deployment_restarting"]
    assert (told["reason"], told["restarts"], told["in_seconds"]) == ("KILLED", 1, 0.3)
    assert (daemon.bundle(run, "chat", 2) / "claim.json").exists()

    again = daemon.finish(daemon.submit(a_plan(a_service(), name="dies")).run.id)
    assert again.step("chat").state == "reused"
    daemon.client.stop_deployment("dies-chat")
    stands(daemon, "dies-chat", "stopped")


def test_service_that_never_stays_is_given_up_with_its_last_words(shared_daemon: Daemon) -> None:
    ready = '{"seq": 1, "time": "", "kind": "ready", "address": "http://127.0.0.1:9"}'
    script = f"echo '{ready}' >> ../events.jsonl; sleep 0.6; echo 'no such model' >&2; exit 1"
    step = replace(a_shell_step("chat", script, service=True), supervision=QUICK)
    run = deploy(shared_daemon, step, "loops")
    failed = stands(shared_daemon, "loops-chat", "failed")
    assert failed.failure is not None
    assert failed.failure.reason == "CRASH_LOOP"
    assert "it has ended 3 times in a row" in failed.failure.message
    assert "no such model" in failed.failure.message
    assert kinds(shared_daemon, run).count("deployment_restarting") == 2
    assert not (shared_daemon.bundle(run, "chat", 4)).exists()


def test_service_that_says_nothing_is_ready_when_it_answers_and_dead_when_it_does_not(shared_daemon: Daemon) -> None:
    port = free_port()
    run = deploy(shared_daemon, a_listening_service(port), "hangs")
    assert stands(shared_daemon, "hangs-chat", "live").address == f"http://127.0.0.1:{port}"
    (shared_daemon.bundle(run, "chat") / "work" / "sick").touch()
    stands(shared_daemon, "hangs-chat", "restarting")
    stands(shared_daemon, "hangs-chat", "live")
    (told,) = [event.body for event in shared_daemon.events(run) if event.kind == "deployment_restarting"]
    assert told["reason"] == "UNANSWERED"
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=10) as answer:
        assert answer.read() == b"well"
    shared_daemon.client.stop_deployment("hangs-chat")
    stands(shared_daemon, "hangs-chat", "stopped")


def test_whoever_else_answers_on_the_port_is_not_the_service(shared_daemon: Daemon) -> None:
    port, asked = free_port(), []

    class Foreign(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    script = f"touch up; until test -e go; do sleep 0.05; done; exec {sys.executable} {SERVICE} {port}"
    own = a_listening_service(port)
    step = replace(a_shell_step("chat", script, service=True), supervision=own.supervision, parameters=own.parameters)
    run = shared_daemon.submit(a_plan(step, name="foreign")).run.id
    work = shared_daemon.bundle(run, "chat") / "work"
    eventually((work / "up").exists)
    with ThreadingHTTPServer(("127.0.0.1", port), Foreign) as foreign:
        threading.Thread(target=foreign.serve_forever, daemon=True).start()
        eventually(lambda: len(asked) >= 2)
        assert shared_daemon.client.get_run(run).run.step("chat").state == "running"
        assert not [item for item in shared_daemon.client.deployments() if item.id == "foreign-chat"]
        told = eventually(lambda: [event for event in shared_daemon.events(run) if event.kind == "warning"])
        assert f"another program listens at http://127.0.0.1:{port}" in told[0].body["message"]
        eventually(lambda: len(asked) >= 4)
        assert [event.kind for event in shared_daemon.events(run)].count("warning") == 1
        foreign.shutdown()
    (work / "go").touch()
    assert shared_daemon.finish(run).state == "succeeded"
    assert stands(shared_daemon, "foreign-chat", "live").address == f"http://127.0.0.1:{port}"
    shared_daemon.client.stop_deployment("foreign-chat")
    stands(shared_daemon, "foreign-chat", "stopped")


def test_stop_lets_what_is_being_answered_come_to_its_end(shared_daemon: Daemon) -> None:
    port = free_port()
    run = deploy(shared_daemon, a_listening_service(port), "drains")
    with ThreadPoolExecutor(1) as others:
        answer = others.submit(lambda: urllib.request.urlopen(f"http://127.0.0.1:{port}/slow", timeout=30).read())
        eventually((shared_daemon.bundle(run, "chat") / "work" / "asked").exists)
        shared_daemon.client.stop_deployment("drains-chat")
        assert answer.result(30) == b"well"
    stands(shared_daemon, "drains-chat", "stopped")


def test_restart_goes_on_over_the_death_of_the_daemon(daemon: Daemon) -> None:
    run = deploy(daemon, a_service(), "outlives")
    kill_runner(daemon, run)
    stands(daemon, "outlives-chat", "restarting")
    daemon.kill()
    daemon.start()
    stands(daemon, "outlives-chat", "live")
    assert kinds(daemon, run) == ["deployment_restarting", "deployment_live"]
    daemon.client.stop_deployment("outlives-chat", mode="now")
    stands(daemon, "outlives-chat", "stopped")


def test_service_can_be_stopped_while_it_waits_for_its_restart(shared_daemon: Daemon) -> None:
    run = deploy(shared_daemon, a_service(), "waits")
    kill_runner(shared_daemon, run)
    stands(shared_daemon, "waits-chat", "restarting")
    shared_daemon.client.stop_deployment("waits-chat")
    stands(shared_daemon, "waits-chat", "stopped")
    assert not shared_daemon.bundle(run, "chat", 2).exists()


def test_port_belongs_to_one_service_until_its_deployment_has_ended(shared_daemon: Daemon) -> None:
    port = free_port()
    first = deploy(shared_daemon, replace(a_service(), parameters=with_port(a_service(), port)), "first")
    another = a_step("chat", [READY, {"sleep": 601}], service=True, supervision=QUICK)
    other = replace(another, parameters=with_port(another, port))
    refused = shared_daemon.finish(shared_daemon.submit(a_plan(other, name="second")).run.id)
    assert refused.failure is not None
    assert (refused.failure.reason, refused.failure.step) == ("PORT_IN_USE", "chat")
    assert first in refused.failure.message
    shared_daemon.client.stop_deployment("first-chat")
    stands(shared_daemon, "first-chat", "stopped")
    deploy(shared_daemon, other, "second")
    shared_daemon.client.stop_deployment("second-chat")
    stands(shared_daemon, "second-chat", "stopped")


def with_port(step: Step, port: int) -> dict[str, Any]:
    return {**step.parameters, "port": port}


def test_two_runs_that_deploy_at_once_come_one_after_the_other(shared_daemon: Daemon) -> None:
    """Found by the simulation: both saw the name free, and the second one was stuck for ever."""
    slow = [{"sleep": 0.3}, READY, {"sleep": 600}]
    plans = [
        a_plan(a_step("chat", [*slow, {"say": word}], service=True, supervision=QUICK), name="both")
        for word in ("one", "two")
    ]
    runs = [shared_daemon.submit(plan).run.id for plan in plans]
    assert [shared_daemon.finish(run).state for run in runs] == ["succeeded", "succeeded"]
    of_both = [item for item in shared_daemon.client.deployments(ended=True) if item.id == "both-chat"]
    found = [(item.revision, item.state) for item in of_both]
    assert found == [(2, "live"), (1, "stopped")]
    shared_daemon.client.stop_deployment("both-chat")
    stands(shared_daemon, "both-chat", "stopped")
