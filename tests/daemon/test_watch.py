"""The six promises of WatchRun, each held by a test; and that a client needs nothing but the daemon's reflection."""

import random
import threading
import time
from collections.abc import Iterator

import grpc
import pytest
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step, write

from tunewright.client.local import socket_target
from tunewright.client.values import RUN_ENDED, RunEvent
from tunewright.proto.v1 import run_service_pb2 as wire
from tunewright.proto.v1 import run_service_pb2_grpc

WAIT = {"wait_for": "work/go"}
PHASES = [{"emit": {"kind": "phase", "name": str(n)}} for n in range(150)]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all of these tests."""
    daemon = Daemon(tmp_path_factory.mktemp("watch") / "home")
    try:
        yield daemon.start()
    finally:
        daemon.clean_up()


@pytest.fixture
def stub(daemon: Daemon) -> Iterator[run_service_pb2_grpc.RunServiceStub]:
    """The raw stub, which does not go on by itself."""
    with grpc.insecure_channel(socket_target(daemon.home)) as channel:
        yield run_service_pb2_grpc.RunServiceStub(channel)


@pytest.fixture(scope="module")
def ended(daemon: Daemon) -> list[RunEvent]:
    """The log of the run of `ended`, which has ended."""
    run = daemon.finish(daemon.submit(a_plan(a_step("sft", PHASES), name="ended")).run.id)
    return daemon.events(run.id)


def the_run(daemon: Daemon, name: str) -> str:
    return next(daemon.client.list_runs(spec_name=name)).id


def test_ordered_unique_and_reliable_while_others_write(daemon: Daemon) -> None:
    """Five runs write at once; each watcher gets exactly its own log."""
    runs = [
        daemon.submit(a_plan(a_step(f"s{n}", [*PHASES, write("f", str(n))]), name=f"r{n}")).run.id for n in range(5)
    ]
    seen: dict[str, list[RunEvent]] = {}
    watchers = [
        threading.Thread(target=lambda run=run: seen.__setitem__(run, list(daemon.client.watch(run)))) for run in runs
    ]
    for watcher in watchers:
        watcher.start()
    for watcher in watchers:
        watcher.join(90)
    for run in runs:
        assert [event.sequence for event in seen[run]] == list(range(1, len(seen[run]) + 1))
        assert seen[run] == daemon.events(run), "what was streamed is what is stored"


def test_atomic_who_has_seen_an_event_finds_the_run_that_far(daemon: Daemon) -> None:
    client, other = daemon.client, daemon.client
    run = daemon.submit(
        a_plan(a_step("a", [write("f", "1")]), a_step("b", [write("f", "2")], needs=["a"]), name="atomic")
    ).run.id
    ends = {"step_succeeded": "succeeded", "run_succeeded": "succeeded"}
    for event in client.watch(run):
        found = other.get_run(run).run
        assert found.last_sequence >= event.sequence
        if event.kind == "step_succeeded":
            step = found.step(event.step)
            assert step.state == ends[event.kind]
            assert other.get_artifact(step.artifact).intact, "the artifact is stored together with the event"
        elif event.kind in ends:
            assert found.state in RUN_ENDED
        elif event.kind == "run_created":
            assert other.get_run(run).plan


def test_resumable_from_any_place(daemon: Daemon, ended: list[RunEvent]) -> None:
    run, client = the_run(daemon, "ended"), daemon.client
    places = {0, 1, 99, 100, 101, len(ended) - 1, len(ended), *random.Random(7).sample(range(len(ended)), 5)}
    for place in sorted(places):
        assert list(client.watch(run, after=place)) == ended[place:]


def test_bookmarkable_every_answer_says_how_far_it_goes(
    daemon: Daemon, ended: list[RunEvent], stub: run_service_pb2_grpc.RunServiceStub
) -> None:
    name, last = f"runs/{the_run(daemon, 'ended')}", 0
    for answer in stub.WatchRun(wire.WatchRunRequest(name=name)):
        assert [event.sequence for event in answer.events] == list(range(last + 1, answer.last_sequence + 1))
        last = answer.last_sequence
        rest = stub.WatchRun(wire.WatchRunRequest(name=name, after_sequence=last))
        following = next((event.sequence for more in rest for event in more.events), None)
        assert following == (last + 1 if last < len(ended) else None)
    assert last == len(ended)


def test_a_stream_in_which_nothing_happens_says_so(daemon: Daemon, stub: run_service_pb2_grpc.RunServiceStub) -> None:
    run = daemon.submit(a_plan(a_step("sft", [WAIT]), name="idle")).run.id
    eventually(lambda: daemon.client.get_run(run).run.step("sft").state == "running")
    stream = stub.WatchRun(wire.WatchRunRequest(name=f"runs/{run}"))
    begin = time.monotonic()
    quiet = next(answer for answer in stream if not answer.events)
    assert time.monotonic() - begin < 9
    assert quiet.last_sequence == daemon.client.get_run(run).run.last_sequence
    stream.cancel()
    daemon.client.cancel(run, mode="now")
    daemon.finish(run)


def test_reflection_alone_is_enough_to_call(daemon: Daemon) -> None:
    """What grpcurl and its like do: descriptors from the daemon, messages made of them, no stubs."""
    with grpc.insecure_channel(socket_target(daemon.home)) as channel:
        pool = DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
        method = pool.FindServiceByName("tunewright.v1.RunService").methods_by_name["ListRuns"]
        request = GetMessageClass(method.input_type)(page_size=1)
        answer = channel.unary_unary(
            "/tunewright.v1.RunService/ListRuns",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=GetMessageClass(method.output_type).FromString,
        )(request)
    assert len(answer.runs) == 1
    assert answer.next_page_token
