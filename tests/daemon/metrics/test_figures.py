"""What is scraped is what happened."""

import json
import socket
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_shell_step, a_step
from harness.scraping import LOOPBACK, exposition, figure, figures
from harness.small_service import __file__ as small_service

from tunewright.client.errors import RefusedError
from tunewright.compiler.ir.plan import Step, Supervision

POINT = {"emit": {"kind": "metric", "step": 12, "values": {"loss": 1.5, "learning_rate": 2e-4}}}
SPEED = {"emit": {"kind": "metric", "step": 12, "values": {"tokens_per_second": 431.0, "loss_scale": "inf"}}}
ENGINE = """\
# TYPE tunewright_requests_total counter
tunewright_requests_total{path="/v1/chat/completions",status="200"} 7
tunewright_requests_total{path="/v1/chat/completions",status="503"} 2
tunewright_requests_total{path="/health",status="200"} 900
# TYPE tunewright_request_seconds histogram
tunewright_request_seconds_bucket{le="0.1"} 4
tunewright_request_seconds_bucket{le="+Inf"} 9
tunewright_request_seconds_count 9
tunewright_request_seconds_sum 3.5
"""


@pytest.fixture(scope="module")
def counted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon that is scraped, with one run that succeeded and one that failed."""
    daemon = Daemon(tmp_path_factory.mktemp("counted") / "home").start("--metrics", LOOPBACK)
    try:
        daemon.finish(daemon.submit(a_plan(a_step("one"), name="good")).run.id)
        daemon.finish(daemon.submit(a_plan(a_step("one", [{"exit": 1}]), name="bad")).run.id)
        yield daemon
    finally:
        daemon.clean_up()


def test_runs_steps_and_attempts(counted: Daemon) -> None:
    found = figures(counted)
    assert figure(found, "tunewright_runs", project="default", state="succeeded") == 1
    assert figure(found, "tunewright_runs", project="default", state="failed") == 1
    assert figure(found, "tunewright_steps", kind="fake", state="failed") == 1
    assert sum(found["tunewright_attempts_total"].values()) == 2
    assert figure(found, "tunewright_queue_length", project="default") == 0
    assert figure(found, "tunewright_step_duration_seconds_count", kind="fake", state="succeeded") == 1
    assert figure(found, "tunewright_build_info") == 1


def test_the_store_and_the_disk(counted: Daemon) -> None:
    found = figures(counted)
    assert (figure(found, "tunewright_store_commit_operations_sum") or 0) >= 10
    assert figure(found, "tunewright_store_commit_seconds_count") == figure(
        found, "tunewright_store_commit_operations_count"
    )
    assert (figure(found, "tunewright_store_size_bytes", store="control") or 0) > 0
    assert (figure(found, "tunewright_home_disk_free_bytes") or 0) > 0


def test_calls_are_counted_by_method_and_status(counted: Daemon) -> None:
    with pytest.raises(RefusedError):
        counted.client.get_run("20000101-000000-none")
    method = "tunewright.v1.RunService/GetRun"
    eventually(lambda: figure(figures(counted), "tunewright_grpc_calls_total", method=method, code="NOT_FOUND") == 1)
    found = figures(counted)
    assert (figure(found, "tunewright_grpc_calls_total", method=method, code="OK") or 0) > 0
    assert (figure(found, "tunewright_grpc_call_seconds_count", method=method) or 0) > 1


def test_training_is_told_while_it_runs_and_forgotten_afterwards(counted: Daemon) -> None:
    step = a_step("sft", [POINT, SPEED, {"wait_for": "work/enough"}])
    run = counted.submit(a_plan(step, name="trained")).run.id

    def told() -> bool:
        found = figures(counted)
        labels = {"run": run, "step": "sft", "project": "default", "spec": "trained"}
        return (
            figure(found, "tunewright_training_loss", **labels) == 1.5
            and figure(found, "tunewright_training_tokens_per_second", **labels) == 431.0
            and figure(found, "tunewright_training_step", **labels) == 12
        )

    eventually(told)
    assert figure(figures(counted), "tunewright_steps", state="running") == 1
    (counted.bundle(run, "sft") / "work" / "enough").touch()
    counted.finish(run)
    eventually(lambda: run not in exposition(counted))


def test_what_waits_has_a_length_and_an_age(counted: Daemon) -> None:
    first = counted.submit(a_plan(a_step("a", [{"sleep": 600}]), name="first")).run.id
    eventually(lambda: figure(figures(counted), "tunewright_runs", state="running") == 1)
    second = counted.submit(a_plan(a_step("b", [{"sleep": 600}, {"exit": 0}]), name="second")).run.id
    eventually(lambda: figure(figures(counted), "tunewright_queue_length") == 1)
    found = figures(counted)
    assert (figure(found, "tunewright_queue_oldest_wait_seconds") or 0) > 0
    assert figure(found, "tunewright_queue_steps", project="default") == 1
    assert figure(found, "tunewright_leases", project="default", unit="cpu_slot") == 1
    for run in (second, first):
        counted.client.cancel(run, mode="now")
        counted.finish(run)
    eventually(lambda: figure(figures(counted), "tunewright_queue_length") == 0)


def test_who_watches(counted: Daemon) -> None:
    run = counted.submit(a_plan(a_step("a", [{"sleep": 600}]), name="watched")).run.id
    watching = counted.client.watch(run)
    next(watching)
    eventually(lambda: figure(figures(counted), "tunewright_watchers") == 1)
    found = figures(counted)
    assert figure(found, "tunewright_event_lag_seconds") is not None
    assert figure(found, "tunewright_grpc_open_streams", method="tunewright.v1.RunService/WatchRun") == 1
    counted.client.cancel(run, mode="now")
    assert list(watching)
    eventually(lambda: figure(figures(counted), "tunewright_watchers") == 0)


def a_service(port: int) -> Step:
    """Return a service whose engine counts requests."""
    step = a_shell_step("chat", f"exec {sys.executable} {small_service} {port}", service=True)
    asked = Supervision(
        address=f"http://127.0.0.1:{port}",
        health_path="/health",
        interval_seconds=0.2,
        timeout_seconds=5.0,
        failures=100,
        restarts=0,
        stable_seconds=600.0,
    )
    return replace(step, supervision=asked, parameters={"port": port})


def test_services_as_we_see_them_and_as_their_engine_counts(counted: Daemon) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    run = counted.finish(counted.submit(a_plan(a_service(port), name="served")).run.id)
    assert run.state == "succeeded", run.failure
    work = counted.bundle(run.id, "chat") / "work"
    (work / "figures").write_text(ENGINE)
    labels = {"deployment": "served-chat", "project": "default"}
    eventually(lambda: figure(figures(counted), "tunewright_deployment_probe_seconds", **labels) is not None)
    eventually(lambda: "tunewright_deployment_requests_total" in figures(counted))
    found = figures(counted)
    assert figure(found, "tunewright_deployment_up", **labels) == 1
    assert figure(found, "tunewright_deployment_requests_total", code="2xx", **labels) == 7, (
        "our own questions are none"
    )
    assert figure(found, "tunewright_deployment_requests_total", code="5xx", **labels) == 2
    assert figure(found, "tunewright_deployment_request_seconds_bucket", le="0.1", **labels) == 4
    assert figure(found, "tunewright_deployment_request_seconds_sum", **labels) == 3.5
    (work / "figures").write_text("no exposition at all {")
    eventually(lambda: "tunewright_deployment_requests_total" not in figures(counted))
    counted.client.stop_deployment("served-chat", mode="now")
    eventually(lambda: "served-chat" not in exposition(counted))


def test_accelerators_as_they_were_at_the_last_look(tmp_path: Path) -> None:
    machine = tmp_path / "machine.json"
    busy = {"utilization": 0.93, "memory_used_bytes": 70 * 2**30, "temperature_celsius": 61, "power_watts": 350.5}
    first = {"uuid": "GPU-1", "name": "NVIDIA A100-SXM4-80GB", "memory_bytes": 80 * 2**30, **busy}
    machine.write_text(json.dumps({"devices": [first, {**first, "uuid": "GPU-2", "silence": "it fell off the bus"}]}))
    daemon = Daemon(tmp_path / "home")
    try:
        daemon.start("--metrics", LOOPBACK, "--devices", str(machine))
        eventually(lambda: figure(figures(daemon), "tunewright_accelerator_up", uuid="GPU-1") == 1)
        found = figures(daemon)
        assert figure(found, "tunewright_accelerator_up", uuid="GPU-2") == 0
        first_labels = {"uuid": "GPU-1", "device": "0", "kind": "a100-80gb"}
        assert figure(found, "tunewright_accelerator_utilization_ratio", **first_labels) == 0.93
        assert figure(found, "tunewright_accelerator_memory_used_bytes", **first_labels) == 70 * 2**30
        assert figure(found, "tunewright_accelerator_temperature_celsius", **first_labels) == 61
        assert figure(found, "tunewright_accelerator_state", uuid="GPU-1", state="quarantined") == 0
        assert figure(found, "tunewright_accelerator_utilization_ratio", uuid="GPU-2") is None
    finally:
        daemon.clean_up()
