"""The API as any client sees it: statuses with ErrorInfo, pages, streams, health, reflection, addresses."""

import json
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import grpc
import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from harness.daemons import Daemon, eventually, source_of
from harness.plans import a_plan, a_step, write

from tunewright.client.api import Client, connect
from tunewright.client.errors import RefusedError
from tunewright.client.local import socket_target
from tunewright.client.values import SpecSource
from tunewright.daemon.errors import DOMAIN
from tunewright.daemon.services.register import SERVICES
from tunewright.proto.v1 import run_service_pb2, run_service_pb2_grpc

WAIT = {"wait_for": "work/go"}


def refusal(call: Callable[[], object]) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        call()
    return caught.value


@pytest.mark.parametrize(
    ("call", "code", "reason", "metadata"),
    [
        (lambda c: c.get_run("nope"), "not_found", "RUN_NOT_FOUND", {"run": "nope"}),
        (lambda c: c.get_run("a/b"), "invalid_argument", "FIELD_INVALID", {"field": "name"}),
        (lambda c: c.cancel("nope"), "not_found", "RUN_NOT_FOUND", {"run": "nope"}),
        (lambda c: list(c.watch("nope")), "not_found", "RUN_NOT_FOUND", {"run": "nope"}),
        (lambda c: list(c.logs("nope", "sft")), "not_found", "RUN_NOT_FOUND", {"run": "nope"}),
        (lambda c: c.get_artifact("abcdef"), "not_found", "ARTIFACT_NOT_FOUND", {"digest": "abcdef"}),
        (lambda c: c.get_artifact("xyz"), "invalid_argument", "FIELD_INVALID", {"field": "name"}),
        (lambda c: c.get_deployment("chat"), "not_found", "DEPLOYMENT_NOT_FOUND", {"deployment": "chat"}),
        (lambda c: c.stop_deployment("chat"), "not_found", "DEPLOYMENT_NOT_FOUND", {"deployment": "chat"}),
        (
            lambda c: c.check(SpecSource(text="x", base_directory="here")),
            "invalid_argument",
            "FIELD_INVALID",
            {"field": "source.base_directory"},
        ),
    ],
)
def test_refusals_carry_reason_and_words(
    daemon: Daemon, call: Callable[[Client], object], code: str, reason: str, metadata: dict[str, str]
) -> None:
    error = refusal(lambda: call(daemon.client))
    assert (error.code, error.reason) == (code, reason)
    assert metadata.items() <= error.metadata.items()
    assert error.message


def test_error_info_has_our_domain(daemon: Daemon) -> None:
    from google.rpc.error_details_pb2 import ErrorInfo
    from grpc_status import rpc_status

    with grpc.insecure_channel(socket_target(daemon.home)) as channel:
        stub = run_service_pb2_grpc.RunServiceStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            stub.GetRun(run_service_pb2.GetRunRequest(name="runs/nope"))
    status = rpc_status.from_call(caught.value)
    info = ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (info.reason, info.domain) == ("RUN_NOT_FOUND", DOMAIN)


def test_invalid_spec_is_data_for_check_and_a_refusal_for_create(daemon: Daemon) -> None:
    source = SpecSource(text="error: `trian` is no section", path="my/life.yaml", base_directory="/")
    (found,) = daemon.client.check(source)
    assert (found.code, found.severity, found.message) == ("TW0001", "error", "`trian` is no section")
    assert found.span is not None
    assert (found.span.path, found.span.start_line, found.span.start_column) == ("my/life.yaml", 1, 1)
    compiled = daemon.client.compile(source)
    assert compiled.plan is None
    assert compiled.diagnostics == (found,)
    error = refusal(lambda: daemon.client.create_run(source))
    assert (error.code, error.reason) == ("invalid_argument", "SPEC_INVALID")
    assert error.diagnostics == (found,)
    assert list(daemon.client.list_runs()) == []


def test_plan_of_another_digest_is_not_run(daemon: Daemon) -> None:
    plan = a_plan(a_step("one"))
    error = refusal(lambda: daemon.submit(plan, expected_plan_digest="sha256:00"))
    assert (error.code, error.reason) == ("failed_precondition", "PLAN_CHANGED")
    assert error.metadata["plan_digest"] == plan.digest
    assert daemon.submit(plan, expected_plan_digest=plan.digest).run.plan_digest == plan.digest


def test_validate_only_stores_nothing(daemon: Daemon) -> None:
    created = daemon.submit(a_plan(a_step("one")), validate_only=True)
    assert created.run.id == ""
    assert [action.action for action in created.actions] == ["create"]
    assert created.plan["name"] == "quick"
    assert list(daemon.client.list_runs()) == []


def test_create_is_idempotent_by_request_id(daemon: Daemon) -> None:
    plan = a_plan(a_step("one", [write("f", "x")]))
    answers: list[str] = []
    threads = [
        threading.Thread(target=lambda: answers.append(daemon.submit(plan, request_id="r").run.id)) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(answers)) == 1
    assert len(answers) == 8
    assert len(list(daemon.client.list_runs())) == 1
    error = refusal(lambda: daemon.submit(a_plan(a_step("other")), request_id="r"))
    assert (error.code, error.reason) == ("already_exists", "REQUEST_ID_REUSED")
    assert error.metadata["run"] == answers[0]
    assert refusal(lambda: daemon.submit(plan, request_id="x" * 101)).reason == "FIELD_INVALID"


def test_actions_name_what_changed(daemon: Daemon) -> None:
    from dataclasses import replace

    def plan(beta: float, *more: str) -> object:
        steps = [a_step("base", [write("m", "x")])]
        tuned = a_step("align", [write("a", str(beta))], needs=["base"])
        steps.append(replace(tuned, identity={"steps.align.train.beta": beta}))
        return a_plan(*steps, *(a_step(name) for name in more))

    daemon.finish(daemon.submit(plan(0.1, "old")).run.id)
    actions = daemon.client.compile(source_of(plan(0.2))).actions
    assert [(item.step, item.action, item.because) for item in actions] == [
        ("base", "reuse", ""),
        ("align", "rerun", "steps.align.train.beta 0.1 -> 0.2"),
        ("old", "remove", "not in the spec any more"),
    ]
    step = daemon.submit(plan(0.2)).run.step("align")
    assert (step.action, step.because) == ("rerun", "steps.align.train.beta 0.1 -> 0.2")


def test_runs_come_newest_first_in_pages(daemon: Daemon) -> None:
    ids = [daemon.submit(a_plan(a_step("one"), name=name)).run.id for name in ("a", "b", "a", "c", "a")]
    with grpc.insecure_channel(socket_target(daemon.home)) as channel:
        stub = run_service_pb2_grpc.RunServiceStub(channel)
        seen, token = [], ""
        while True:
            answer = stub.ListRuns(run_service_pb2.ListRunsRequest(page_size=2, page_token=token))
            assert len(answer.runs) <= 2
            seen += [run.name.removeprefix("runs/") for run in answer.runs]
            token = answer.next_page_token
            if not token:
                break
        assert seen == ids[::-1]
        with pytest.raises(grpc.RpcError) as caught:
            stub.ListRuns(run_service_pb2.ListRunsRequest(page_token="garbage"))
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert [run.id for run in daemon.client.list_runs(spec_name="a")] == [ids[4], ids[2], ids[0]]
    for run in ids:
        daemon.finish(run)
    assert list(daemon.client.list_runs(active_only=True)) == []


def test_many_watchers_see_the_same_gapless_log(daemon: Daemon) -> None:
    emit = [{"emit": {"kind": "phase", "name": str(n)}} for n in range(200)]
    run = daemon.submit(a_plan(a_step("sft", [*emit, WAIT, *emit]))).run.id
    seen: list[list[int]] = []
    threads = [
        threading.Thread(target=lambda: seen.append([event.sequence for event in daemon.client.watch(run)]))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    client = daemon.client
    eventually(lambda: client.get_run(run).run.last_sequence > 200)
    (daemon.bundle(run, "sft") / "work" / "go").touch()
    for thread in threads:
        thread.join(60)
    total = daemon.finish(run).last_sequence
    assert total > 400
    assert seen == [list(range(1, total + 1))] * 20


def test_watch_goes_on_over_a_restart_of_the_daemon(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("sft", [{"emit": {"kind": "phase", "name": "before"}}, WAIT]))).run.id
    events = daemon.client.watch(run)
    seen = [next(events)]
    while seen[-1].kind != "phase":
        seen.append(next(events))
    daemon.kill()
    daemon.start()
    (daemon.bundle(run, "sft") / "work" / "go").touch()
    seen += events
    assert [event.sequence for event in seen] == list(range(1, len(seen) + 1))
    assert seen[-1].kind == "run_succeeded"


def test_cursor_beyond_the_newest_event_is_refused(daemon: Daemon) -> None:
    run = daemon.finish(daemon.submit(a_plan(a_step("one"))).run.id)
    assert list(daemon.client.watch(run.id, after=run.last_sequence)) == []
    assert [event.sequence for event in daemon.client.watch(run.id, after=run.last_sequence - 1)] == [run.last_sequence]
    error = refusal(lambda: list(daemon.client.watch(run.id, after=run.last_sequence + 1)))
    assert (error.code, error.reason) == ("invalid_argument", "CURSOR_INVALID")
    assert error.metadata["newest"] == str(run.last_sequence)


def test_logs_from_an_offset_and_to_the_end(daemon: Daemon) -> None:
    run = daemon.submit(a_plan(a_step("sft", [{"say": "one"}, WAIT, {"say": "two"}]))).run.id
    client = daemon.client
    eventually(lambda: client.get_run(run).run.step("sft").state == "running")
    chunks = client.logs(run, "sft", follow=True)
    first = next(chunks)
    (daemon.bundle(run, "sft") / "work" / "go").touch()
    text = first.data + b"".join(chunk.data for chunk in chunks)
    assert text == b"one\ntwo\n"
    daemon.finish(run)
    assert b"".join(chunk.data for chunk in client.logs(run, "sft", offset=4)) == b"two\n"
    assert b"".join(chunk.data for chunk in client.logs(run, "sft", offset=-4)) == b"two\n"
    assert list(client.logs(run, "sft", stream="stdout")) == []
    assert refusal(lambda: list(client.logs(run, "nope"))).reason == "STEP_NOT_FOUND"
    assert refusal(lambda: list(client.logs(run, "sft", attempt=7))).reason == "STEP_NOT_FOUND"


def test_new_revision_replaces_the_old_and_stop_ends_it(daemon: Daemon) -> None:
    def plan(port: int) -> object:
        ready = {"emit": {"kind": "ready", "address": f"http://127.0.0.1:{port}"}}
        return a_plan(a_step("chat", [ready, {"sleep": 300}], service=True))

    daemon.finish(daemon.submit(plan(1)).run.id)
    run = daemon.finish(daemon.submit(plan(2)).run.id)
    assert run.state == "succeeded"
    client = daemon.client
    found = [(item.revision, item.state, item.address) for item in client.deployments(ended=True)]
    assert found == [(2, "live", "http://127.0.0.1:2"), (1, "stopped", "http://127.0.0.1:1")]
    assert client.stop_deployment("quick-chat").state == "stopping"
    eventually(lambda: client.get_deployment("quick-chat").state == "stopped")
    assert client.stop_deployment("quick-chat").state == "stopped"
    assert list(client.deployments()) == []
    assert "deployment_stopped" in [event.kind for event in daemon.events(run.id)]


def test_health_and_reflection(daemon: Daemon) -> None:
    with grpc.insecure_channel(socket_target(daemon.home)) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for service in ("", *SERVICES):
            answer = health.Check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        (answer,) = stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")]))
        assert set(SERVICES) < {service.name for service in answer.list_services_response.service}
        asked = reflection_pb2.ServerReflectionRequest(file_containing_symbol="tunewright.v1.RunService")
        (answer,) = stub.ServerReflectionInfo(iter([asked]))
        files = [FileDescriptorProto.FromString(item) for item in answer.file_descriptor_response.file_descriptor_proto]
        assert "tunewright/v1/run_service.proto" in {file.name for file in files}


def test_a_standard_tool_of_another_language_finds_its_way_by_reflection(daemon: Daemon) -> None:
    """`buf curl` is written in Go and knows nothing of Tunewright: no .proto is given to it."""
    buf = Path(sys.executable).with_name("buf")
    if not buf.exists():
        pytest.skip("buf is not in this environment: `make install` brings it")
    socket = str(daemon.home / "daemon.sock")
    command = [str(buf), "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--unix-socket", socket]

    def asked(*arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False)

    assert set(SERVICES) < set(asked("--list-services", "http://localhost").stdout.split())
    answered = asked("-d", "{}", "http://localhost/tunewright.v1.ServerService/GetServerInfo")
    assert json.loads(answered.stdout)["pid"] == daemon.pid, answered.stderr
    refused = asked("-d", '{"name": "runs/nope"}', "http://localhost/tunewright.v1.RunService/GetRun")
    assert json.loads(refused.stderr)["code"] == "not_found"
    assert json.loads(refused.stderr)["details"][0]["type"] == "google.rpc.ErrorInfo"


def test_listens_for_this_user_only(daemon: Daemon) -> None:
    assert stat.S_IMODE(daemon.home.stat().st_mode) == 0o700
    assert stat.S_IMODE((daemon.home / "daemon.sock").stat().st_mode) == 0o600


def test_loopback_address_beside_the_socket(stopped_daemon: Daemon) -> None:
    daemon = stopped_daemon.start("--listen", "127.0.0.1:0", "--anonymous")
    (_, tcp) = daemon.client.server_info().addresses
    with connect(tcp) as client:
        assert client.server_info().pid == daemon.pid
        error = refusal(client.shutdown)
        assert (error.code, error.reason) == ("permission_denied", "LOCAL_ONLY")
    other = Daemon(daemon.home.with_name("other"))
    assert other.start("--listen", tcp).wait() == 3
    assert f"can't listen on {tcp}" in other.log


@pytest.mark.parametrize("address", ["0.0.0.0:7419", "192.168.1.5:7419", "[::]:7419", "localhost:7419", "7419"])
def test_public_addresses_are_refused_with_a_sentence(stopped_daemon: Daemon, address: str) -> None:
    assert stopped_daemon.start("--listen", address).wait() == 3
    assert "Traceback" not in stopped_daemon.log
    assert "127.0.0.1" in stopped_daemon.log
    assert not (stopped_daemon.home / "control.db").exists()


def test_private_daemon_ends_when_nobody_needs_it(stopped_daemon: Daemon) -> None:
    daemon = stopped_daemon.start("--private", "--idle-seconds", "2")
    run = daemon.submit(a_plan(a_step("sft", [{"sleep": 2.5}]))).run.id
    assert daemon.wait() == 0
    daemon.start()
    assert daemon.client.get_run(run).run.state == "succeeded"
