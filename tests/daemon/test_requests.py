"""What requests may say: filters and their page tokens, etags, trying without doing; what can't be is named by its
field.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from grpc_status import rpc_status
from harness.daemons import Daemon, eventually, source_of
from harness.plans import a_plan, a_step, role, write

from tunewright.client.errors import RefusedError
from tunewright.client.local import socket_target
from tunewright.proto.v1 import (
    artifact_service_pb2 as artifacts,
)
from tunewright.proto.v1 import (
    artifact_service_pb2_grpc,
    deployment_service_pb2_grpc,
    log_service_pb2,
    log_service_pb2_grpc,
    run_service_pb2_grpc,
)
from tunewright.proto.v1 import (
    deployment_service_pb2 as deployments,
)
from tunewright.proto.v1 import (
    run_service_pb2 as runs,
)

WAIT = {"wait_for": "work/go"}
MODEL = [write("m", "x"), role("model")]


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """One daemon for all of these tests, with a run of `chat` that succeeded and one of `math` that failed."""
    daemon = Daemon(tmp_path_factory.mktemp("requests") / "home")
    try:
        daemon.start()
        daemon.finish(
            daemon.submit(a_plan(a_step("sft", MODEL), a_step("exam", [write("e", "y")]), name="chat")).run.id
        )
        daemon.finish(daemon.submit(a_plan(a_step("sft", [{"exit": 1}]), name="math")).run.id)
        yield daemon
    finally:
        daemon.clean_up()


@pytest.fixture(scope="module")
def channel(daemon: Daemon) -> Iterator[grpc.Channel]:
    """A channel for what the typed client would not send."""
    with grpc.insecure_channel(socket_target(daemon.home)) as channel:
        yield channel


def refused(call: Callable[[], Any]) -> tuple[grpc.StatusCode, str, dict[str, str]]:
    """Return code, reason and metadata of the refusal that a raw call ends with."""
    with pytest.raises(grpc.RpcError) as caught:
        list(call())
    info, status = ErrorInfo(), rpc_status.from_call(caught.value)
    assert status is not None
    assert status.details[0].Unpack(info)
    return caught.value.code(), info.reason, dict(info.metadata)


def test_runs_are_filtered_by_name_state_and_time(daemon: Daemon) -> None:
    client = daemon.client
    assert [run.spec_name for run in client.list_runs()] == ["math", "chat"]
    assert [run.spec_name for run in client.list_runs(states=["succeeded"])] == ["chat"]
    assert [run.spec_name for run in client.list_runs(states=["succeeded", "failed"])] == ["math", "chat"]
    assert list(client.list_runs(states=["failed"], spec_name="chat")) == []
    first = client.get_run(next(iter(client.list_runs(spec_name="chat"))).id).run.create_time
    assert first is not None
    assert [run.spec_name for run in client.list_runs(create_after=first)] == ["math", "chat"]
    assert [run.spec_name for run in client.list_runs(create_before=first + timedelta(milliseconds=1))] == ["chat"]
    assert list(client.list_runs(create_after=datetime(2999, 1, 1, tzinfo=UTC))) == []


def test_artifacts_and_events_are_filtered(daemon: Daemon) -> None:
    client = daemon.client
    assert [item.step for item in client.artifacts(role="model")] == ["sft"]
    assert [item.step for item in client.artifacts(spec_name="chat")] == ["exam", "sft"]
    digest = next(client.artifacts(role="model")).step_digest
    assert [item.step for item in client.artifacts(step_digest=digest)] == ["sft"]
    run = next(client.list_runs(spec_name="chat")).id
    assert [event.kind for event in client.list_events(run, kinds=["step_succeeded"], step="exam")] == [
        "step_succeeded"
    ]
    assert [event.sequence for event in client.list_events(run, after=2)][:1] == [3]


def test_page_token_goes_with_its_filters(channel: grpc.Channel) -> None:
    stub = run_service_pb2_grpc.RunServiceStub(channel)
    token = stub.ListRuns(runs.ListRunsRequest(page_size=1)).next_page_token
    assert [run.spec_name for run in stub.ListRuns(runs.ListRunsRequest(page_token=token)).runs] == ["chat"]
    other = runs.ListRunsRequest(page_token=token, spec_name="chat")
    assert refused(lambda: stub.ListRuns(other))[:2] == (grpc.StatusCode.INVALID_ARGUMENT, "PAGE_TOKEN_INVALID")
    elsewhere = artifacts.ListArtifactsRequest(page_token=token)
    stub = artifact_service_pb2_grpc.ArtifactServiceStub(channel)
    assert refused(lambda: stub.ListArtifacts(elsewhere))[1] == "PAGE_TOKEN_INVALID"


def test_pages_stay_whole_while_runs_are_added(daemon: Daemon, channel: grpc.Channel) -> None:
    stub = run_service_pb2_grpc.RunServiceStub(channel)
    first = stub.ListRuns(runs.ListRunsRequest(page_size=1))
    daemon.finish(daemon.submit(a_plan(a_step("sft", MODEL), name="later")).run.id)
    second = stub.ListRuns(runs.ListRunsRequest(page_size=1, page_token=first.next_page_token))
    assert [run.spec_name for run in (*first.runs, *second.runs)] == ["math", "chat"]


@pytest.mark.parametrize(
    ("service", "method", "request_", "field"),
    [
        (run_service_pb2_grpc.RunServiceStub, "CancelRun", runs.CancelRunRequest(name="runs/x", mode=7), "mode"),
        (run_service_pb2_grpc.RunServiceStub, "ListRuns", runs.ListRunsRequest(states=[99]), "states"),
        (
            run_service_pb2_grpc.RunServiceStub,
            "CancelRun",
            runs.CancelRunRequest(name="runs/x", reason="x" * 1001),
            "reason",
        ),
        (run_service_pb2_grpc.RunServiceStub, "PauseRun", runs.PauseRunRequest(name="runs/x", by="x" * 1001), "by"),
        (
            deployment_service_pb2_grpc.DeploymentServiceStub,
            "ListDeployments",
            deployments.ListDeploymentsRequest(states=[0]),
            "states",
        ),
        (
            deployment_service_pb2_grpc.DeploymentServiceStub,
            "StopDeployment",
            deployments.StopDeploymentRequest(name="deployments/x", mode=3),
            "mode",
        ),
    ],
)
def test_words_that_nobody_knows_are_refused(
    channel: grpc.Channel, service: Any, method: str, request_: Any, field: str
) -> None:
    code, reason, metadata = refused(lambda: getattr(service(channel), method)(request_))
    assert (code, reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_INVALID")
    assert metadata["field"] == field


def test_unknown_log_stream_and_time_are_refused(daemon: Daemon, channel: grpc.Channel) -> None:
    run = next(daemon.client.list_runs(spec_name="chat")).id
    logs = log_service_pb2_grpc.LogServiceStub(channel)
    wanted = log_service_pb2.ReadLogsRequest(name=f"runs/{run}/steps/sft", stream=9)
    assert refused(lambda: logs.ReadLogs(wanted))[2]["field"] == "stream"
    request = runs.ListRunsRequest()
    request.create_after.seconds = -1
    stub = run_service_pb2_grpc.RunServiceStub(channel)
    assert refused(lambda: stub.ListRuns(request))[2]["field"] == "create_after"


def test_change_is_held_to_the_etag_it_was_decided_on(daemon: Daemon) -> None:
    client = daemon.client
    run = client.create_run(source_of(a_plan(a_step("sft", [WAIT]), name="tagged"))).run
    seen = client.pause(run.id, reason="look")
    with pytest.raises(RefusedError) as caught:
        client.cancel(run.id, etag=run.etag)
    assert (caught.value.code, caught.value.reason) == ("aborted", "ETAG_MISMATCH")
    assert int(caught.value.metadata["etag"]) >= int(seen.etag)
    assert client.get_run(run.id).run.state in ("pausing", "paused")
    (daemon.bundle(run.id, "sft") / "work").mkdir(parents=True, exist_ok=True)
    (daemon.bundle(run.id, "sft") / "work" / "go").touch()
    client.cancel(run.id, mode="now")
    ended = daemon.finish(run.id)
    assert client.cancel(run.id, etag=ended.etag) == ended


def test_trying_stores_nothing(daemon: Daemon) -> None:
    client = daemon.client
    run = client.create_run(source_of(a_plan(a_step("sft", [WAIT]), name="tried"))).run
    tried = client.cancel(run.id, validate_only=True)
    assert tried.state in ("cancelling", "cancelled")
    assert client.pause(run.id, validate_only=True).state in ("pausing", "paused")
    assert client.get_run(run.id).run.state in ("queued", "running")
    assert not [event for event in daemon.events(run.id) if "cancel" in event.kind or "paus" in event.kind]
    client.cancel(run.id, mode="now")
    daemon.finish(run.id)
    before = len(list(client.list_runs()))
    assert client.retry(run.id, validate_only=True).id == ""
    assert len(list(client.list_runs())) == before


def test_deployment_is_stopped_as_it_was_read(daemon: Daemon) -> None:
    ready = {"emit": {"kind": "ready", "address": "http://127.0.0.1:1"}}
    plan = a_plan(replace(a_step("chat", [ready, {"sleep": 300}]), service=True), name="served")
    daemon.finish(daemon.submit(plan).run.id)
    client = daemon.client
    (live,) = client.deployments(spec_name="served", states=["live"])
    assert client.stop_deployment(live.id, validate_only=True).state == "stopping"
    assert client.get_deployment(live.id) == live
    with pytest.raises(RefusedError) as caught:
        client.stop_deployment(live.id, etag="1-live-x")
    assert caught.value.reason == "ETAG_MISMATCH"
    assert client.stop_deployment(live.id, etag=live.etag, mode="now").state == "stopping"
    assert list(client.deployments(spec_name="chat")) == []


def test_request_that_comes_twice_is_carried_out_once(daemon: Daemon) -> None:
    client = daemon.client
    run = client.create_run(source_of(a_plan(a_step("sft", [{"wait_for_pause": True}, WAIT]), name="twice"))).run.id
    eventually(lambda: client.get_run(run).run.step("sft").state == "running")
    client.pause(run, request_id="pause-1", reason="look")
    eventually(lambda: client.get_run(run).run.paused)
    assert client.resume(run, request_id="resume-1").state != "paused"
    assert client.pause(run, request_id="pause-1", reason="look").state in ("queued", "running"), "not paused again"
    kinds = [event.kind for event in daemon.events(run)]
    assert (kinds.count("run_pausing"), kinds.count("run_resumed")) == (1, 1)
    for other in (
        lambda: client.pause(run, request_id="pause-1", reason="another"),
        lambda: client.cancel(run, request_id="pause-1"),
        lambda: client.create_run(source_of(a_plan(a_step("one"))), request_id="pause-1"),
    ):
        with pytest.raises(RefusedError) as caught:
            other()
        assert (caught.value.code, caught.value.reason) == ("already_exists", "REQUEST_ID_REUSED")
        assert caught.value.metadata["run"] == run
    assert client.cancel(run, mode="now", request_id="cancel-1").state == "cancelling"
    daemon.finish(run)
    assert client.cancel(run, mode="now", request_id="cancel-1").state == "cancelled"


def test_request_that_was_only_tried_is_not_remembered(daemon: Daemon) -> None:
    client = daemon.client
    run = client.create_run(source_of(a_plan(a_step("sft", [WAIT]), name="tried twice"))).run.id
    client.cancel(run, mode="now", request_id="try", validate_only=True)
    assert client.get_run(run).run.state in ("queued", "running")
    client.cancel(run, mode="now", request_id="try")
    assert daemon.finish(run).state == "cancelled"
