"""Connections that break without a word, daemons that stand still or go away: noticed in time, by both sides."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from harness.cable import Cable
from harness.daemons import Daemon, eventually, source_of
from harness.plans import a_plan, a_step, write

from tunewright.client.api import connect
from tunewright.client.errors import ClientError, UnreachableError
from tunewright.client.local import socket_target
from tunewright.client.values import RunEvent
from tunewright.proto.v1 import run_service_pb2, run_service_pb2_grpc

WAIT = {"wait_for": "work/go"}
NOTICED_SECONDS = 10.0


@pytest.fixture
def cable(stopped_daemon: Daemon) -> Iterator[Cable]:
    """A cable to a daemon."""
    (_, tcp) = stopped_daemon.start("--listen", "127.0.0.1:0", "--anonymous").client.server_info().addresses
    cable = Cable(tcp)
    yield cable
    cable.close()


def in_background(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_pulled_cable_is_noticed_by_both_sides_in_time(stopped_daemon: Daemon, cable: Cable) -> None:
    run = stopped_daemon.submit(a_plan(a_step("sft", [WAIT]))).run.id
    told: list[float] = []
    seen: list[RunEvent] = []
    begin = 0.0

    def watch() -> None:
        with connect(cable.address) as client:
            try:
                seen.extend(client.watch(run, patience_seconds=0.1))
            except UnreachableError:
                told.append(time.monotonic() - begin)

    watching = in_background(watch)
    # An event of each attempt: when the step runs, the watcher has a stream.
    eventually(lambda: stopped_daemon.client.get_run(run).run.step("sft").state == "running")
    begin = time.monotonic()
    cable.pull()
    watching.join(30)
    assert told, "the client still waits"
    assert told[0] < NOTICED_SECONDS
    assert cable.left_by_daemon.wait(NOTICED_SECONDS - (time.monotonic() - begin)), "the daemon still holds the stream"


def test_daemon_that_stands_still_is_noticed_in_time(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("sft", [WAIT]))).run.id
    events = daemon.client.watch(run, patience_seconds=0.1)
    next(events)
    os.kill(daemon.pid, signal.SIGSTOP)
    try:
        begin = time.monotonic()
        with pytest.raises(UnreachableError):
            list(events)
        assert time.monotonic() - begin < NOTICED_SECONDS
    finally:
        os.kill(daemon.pid, signal.SIGCONT)


def test_going_away_lets_calls_end_and_tells_streams_where_they_were(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("sft", [WAIT]))).run.id
    eventually(lambda: daemon.client.get_run(run).run.step("sft").state == "running")
    last = daemon.client.get_run(run).run.last_sequence
    with grpc.insecure_channel(socket_target(daemon.home)) as channel:
        stream = run_service_pb2_grpc.RunServiceStub(channel).WatchRun(
            run_service_pb2.WatchRunRequest(name=f"runs/{run}")
        )
        health = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        reached = 0
        while reached < last:
            reached = next(stream).last_sequence
        assert next(health).status == health_pb2.HealthCheckResponse.SERVING
        os.kill(daemon.pid, signal.SIGTERM)
        assert next(health).status == health_pb2.HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.RpcError) as caught:
            list(stream)
    assert caught.value.code() is grpc.StatusCode.UNAVAILABLE
    assert f"watch again after sequence {reached}" in caught.value.details()
    assert daemon.wait() == 0
    assert daemon.start().client.get_run(run).run.step("sft").attempt == 1, "what runs went on without the daemon"


def test_call_whose_time_is_up_is_done_as_a_whole_or_not_at_all(daemon: Daemon) -> None:
    client = daemon.client
    client.server_info()
    source = source_of(a_plan(a_step("one", [write("f", "x")])))
    outcomes = set()
    with grpc.insecure_channel(socket_target(daemon.home)) as channel:
        stub = run_service_pb2_grpc.RunServiceStub(channel)
        for number in range(30):
            message = run_service_pb2.CreateRunRequest(request_id=f"r{number}")
            message.source.text, message.source.base_directory = source.text, "/"
            call = stub.CreateRun.future(message, timeout=0.0005 * number)
            outcomes.add(call.code())
    assert grpc.StatusCode.DEADLINE_EXCEEDED in outcomes
    assert outcomes <= {grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.OK}
    made = {client.create_run(source, request_id=f"r{number}").run.id for number in range(30)}
    assert made == {run.id for run in client.list_runs()}, "asked again, each request has made exactly one run"
    for run in made:
        assert daemon.events(run)[0].kind == "run_created"


def test_calls_wait_for_a_daemon_that_restarts(daemon: Daemon) -> None:
    client = daemon.client
    plan = a_plan(a_step("one", [write("f", "x")]))
    first = client.create_run(source_of(plan)).run
    daemon.kill()
    answers: list[str] = []
    asking = in_background(lambda: answers.append(client.create_run(source_of(plan), request_id="again").run.id))
    daemon.start()
    asking.join(30)
    assert len(answers) == 1
    assert {run.id for run in client.list_runs()} == {first.id, answers[0]}


def test_daemon_that_never_answered_is_not_waited_for(stopped_daemon: Daemon) -> None:
    stopped_daemon.home.mkdir()
    begin = time.monotonic()
    with connect(socket_target(stopped_daemon.home)) as client, pytest.raises(ClientError):
        client.server_info()
    assert time.monotonic() - begin < 5
