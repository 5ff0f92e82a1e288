"""Limits of one identity: calls, streams, sizes, runs, disk; the daemon's own user has none."""

from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from grpc_status import rpc_status
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step, write
from harness.sites import Site, source_in

from tunewright.client.errors import RefusedError
from tunewright.client.values import RunEvent, SpecSource
from tunewright.daemon.access.limits import Meter
from tunewright.daemon.errors import RefusedError as Refused
from tunewright.proto.v1 import run_service_pb2, run_service_pb2_grpc

LIMITS = (
    "limits: {requests_per_second: 3, streams: 2, message_bytes: 20000, queued_runs: 2, artifact_bytes: 1000,"
    " priority_of_subjects: {boss: urgent}, priority_of_roles: {deployer: high}}\n"
)
LONG = [{"sleep": 120}]


@pytest.fixture(scope="module")
def narrow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site with small limits."""
    folder = tmp_path_factory.mktemp("narrow")
    site = Site(folder, Daemon(folder / "home"), LIMITS)
    try:
        yield site.prepare().start()
    finally:
        site.clean_up()


def patiently(call: Callable[[], Any]) -> Any:
    """Call until the limit of calls lets it through."""

    def once() -> tuple[Any] | None:
        try:
            return (call(),)
        except RefusedError as error:
            if error.reason != "RATE_LIMITED":
                raise
            return None

    return eventually(once)[0]


def test_calls_are_counted_and_one_may_come_again(narrow: Site) -> None:
    credentials = narrow.certificate("busy", "support:viewer")
    assert credentials.authority is not None
    assert credentials.key is not None
    assert credentials.certificate is not None
    pair = grpc.ssl_channel_credentials(
        credentials.authority.read_bytes(), credentials.key.read_bytes(), credentials.certificate.read_bytes()
    )
    with grpc.secure_channel(narrow.addresses[0], pair) as channel:
        stub = run_service_pb2_grpc.RunServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            [stub.ListRuns(run_service_pb2.ListRunsRequest()) for _ in range(50)]
    status = rpc_status.from_call(caught.value)
    assert status is not None
    info, retry = ErrorInfo(), RetryInfo()
    assert status.details[0].Unpack(info)
    assert status.details[1].Unpack(retry)
    assert (caught.value.code(), info.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "RATE_LIMITED")
    assert info.metadata["requests_per_second"] == "3"
    assert retry.retry_delay.seconds >= 1
    patiently(lambda: list(narrow.as_(narrow.shown("busy")).list_runs()))
    assert [narrow.daemon.client.who_am_i().subject for _ in range(20)], "the daemon's own user is not counted"


def test_big_requests_are_refused_before_they_are_looked_at(narrow: Site) -> None:
    client = narrow.as_(narrow.certificate("wordy", "support:submitter"))
    source = SpecSource(text="x" * 30_000, base_directory=str(narrow.folder / "support"), project="support")
    with pytest.raises(RefusedError) as caught:
        patiently(lambda: client.check(source))
    assert (caught.value.code, caught.value.reason) == ("resource_exhausted", "MESSAGE_TOO_LARGE")
    assert caught.value.metadata["limit"] == "20000"


def test_runs_and_streams_are_counted(narrow: Site) -> None:
    client = narrow.as_(narrow.certificate("eager", "support:submitter"))
    plans = [a_plan(a_step("one", LONG), name=f"long-{number}") for number in range(3)]
    sources = [source_in(narrow, "support", plan) for plan in plans]
    runs = [patiently(lambda source=source: client.create_run(source).run.id) for source in sources[:2]]
    with pytest.raises(RefusedError) as caught:
        patiently(lambda: client.create_run(sources[2]))
    assert (caught.value.reason, caught.value.metadata["quota"]) == ("QUOTA_EXCEEDED", "queued_runs")

    def begun() -> Iterator[RunEvent]:
        stream = client.watch(str(runs[0]))
        next(stream)
        return stream

    streams = [patiently(begun) for _ in range(2)]
    with pytest.raises(RefusedError) as caught:
        patiently(begun)
    assert (caught.value.reason, caught.value.metadata["quota"]) == ("QUOTA_EXCEEDED", "streams")
    for run in runs:
        patiently(lambda run=run: client.cancel(str(run), mode="now"))
        narrow.daemon.finish(str(run))
    for stream in streams:
        assert next(reversed(list(stream))).kind == "run_cancelled", "a stream that is open is not touched by limits"
    assert patiently(begun), "both have ended"
    again = patiently(lambda: client.create_run(sources[2]).run.id)
    patiently(lambda: client.cancel(str(again), mode="now"))


def test_more_than_normal_priority_is_for_some(narrow: Site) -> None:
    source = source_in(narrow, "support", a_plan(a_step("one"), name="quick"))
    grants = {
        "anybody": ("support:submitter",),
        "chief": ("support:submitter", "support:deployer"),
        "stranger": ("support:submitter", "sales:deployer"),
        "boss": ("support:submitter",),
    }
    clients = {name: narrow.as_(narrow.certificate(name, *given)) for name, given in grants.items()}

    def may(name: str, priority: int) -> bool:
        try:
            patiently(lambda: clients[name].create_run(source, priority=priority, validate_only=True))
        except RefusedError as error:
            return error.reason != "PRIORITY_FORBIDDEN"
        return True

    assert [may("anybody", number) for number in (-100, 0, 1)] == [True, True, False]
    assert [may("chief", number) for number in (100, 101)] == [True, False]
    assert not may("stranger", 1), "a role of another project counts there"
    assert [may("boss", number) for number in (200, 201)] == [True, False]


def test_the_queue_is_shared_and_counts_what_is_not_to_be_seen(narrow: Site) -> None:
    clients = {name: narrow.as_(narrow.certificate(f"of-{name}", f"{name}:submitter")) for name in ("support", "sales")}

    def submit(name: str, project: str) -> str:
        plan = a_plan(a_step("one", LONG), name=name)
        return str(patiently(lambda: clients[project].create_run(source_in(narrow, project, plan)).run.id))

    local = narrow.daemon.client
    first = submit("first", "support")
    eventually(lambda: local.get_run(first).run.step("one").state == "running")  # who was there before has left
    second, other = submit("second", "support"), submit("third", "sales")
    own = eventually(lambda: (found := patiently(clients["sales"].queue)).others == 1 and found)
    assert [(item.run, item.waiting.position) for item in own.steps] == [(other, 1)], "it has had nothing yet"
    assert own.holding == ()
    waits = patiently(lambda: clients["support"].get_run(second)).run.step("one").waiting
    assert (waits.message, waits.behind) == (
        "waiting for the CPU slot; 2nd in the queue, behind a run of another project",
        "",
    )
    everything = local.queue()
    assert [item.run for item in (*everything.holding, *everything.steps)] == [first, other, second]
    for run, project in ((second, "support"), (other, "sales"), (first, "support")):
        patiently(lambda run=run, project=project: clients[project].cancel(run, mode="now"))
        narrow.daemon.finish(run)


def test_a_project_that_is_full_gets_no_new_runs(narrow: Site) -> None:
    client = narrow.as_(narrow.certificate("hoarder", "sales:submitter"))

    def plan(name: str) -> object:
        return a_plan(a_step("one", [write("f", name * 300)]), name=name)

    run = patiently(lambda: client.create_run(source_in(narrow, "sales", plan("lots"))).run.id)
    assert narrow.daemon.finish(str(run)).state == "succeeded"
    with pytest.raises(RefusedError) as caught:
        patiently(lambda: client.create_run(source_in(narrow, "sales", plan("more"))))
    assert (caught.value.reason, caught.value.metadata["quota"]) == ("QUOTA_EXCEEDED", "artifact_bytes")


def test_the_meter_forgets_those_who_are_gone() -> None:
    now = [0.0]
    meter = Meter(now=lambda: now[0])
    for number in range(10_000):
        meter.take(f"stranger {number}", 1.0)
    now[0] = 60.0
    meter.take("one more", 1.0)
    assert len(meter._buckets) == 1
    meter.take("one more", 1.0)
    with pytest.raises(Refused, match="calls a second"):
        meter.take("one more", 1.0)
    now[0] = 61.0
    meter.take("one more", 1.0)
