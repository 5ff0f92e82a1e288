"""What this machine can't do is refused before anything is stored or started; what changes later fails its step."""

import json
import socket
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step, text_of, write

from tunewright.client.errors import RefusedError
from tunewright.client.values import SpecSource
from tunewright.compiler.ir.plan import Plan, Step, StepInput
from tunewright.spec.canonical import digest_of_file

WAIT = {"wait_for": "work/go"}


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """Another program that listens on a port of this machine."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other


def a_service(port: int, word: str = "hello") -> Step:
    """Return a service that says it answers on a port."""
    ready = {"emit": {"kind": "ready", "address": f"http://127.0.0.1:{port}/v1"}}
    step = a_step("chat", [{"say": word}, ready, {"sleep": 300}], service=True)
    return with_parameters(step, port=port, host="127.0.0.1")


def with_parameters(step: Step, **more: Any) -> Step:
    return replace(step, parameters={**step.parameters, **more})


def with_inputs(step: Step, **inputs: StepInput) -> Step:
    return replace(step, inputs={**step.inputs, **inputs})


def refusal(daemon: Daemon, plan: Plan) -> RefusedError:
    """Return why the daemon does not take a plan, after checking that nothing of it is there."""
    with pytest.raises(RefusedError) as caught:
        daemon.submit(plan)
    assert caught.value.code == "failed_precondition"
    assert list(daemon.client.list_runs()) == []
    assert not (daemon.home / "bundles").exists()
    return caught.value


def has(error: RefusedError, words: Mapping[str, str]) -> bool:
    return words.items() <= error.metadata.items()


def test_port_of_another_program_is_refused_before_anything_starts(daemon: Daemon, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    error = refusal(daemon, a_plan(a_step("train", [write("model", "m")]), a_service(port)))
    assert error.reason == "PORT_IN_USE"
    assert has(error, {"step": "chat", "port": str(port)})
    assert f"port {port}" in error.message
    assert "set another `port`" in error.message


def test_free_port_is_left_free(daemon: Daemon, listener: socket.socket) -> None:
    port = listener.getsockname()[1]
    listener.close()
    assert daemon.finish(daemon.submit(a_plan(a_service(port))).run.id).state == "succeeded"
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_port_of_the_revision_before_is_no_obstacle(daemon: Daemon, listener: socket.socket) -> None:
    # The listener stands for the service's own socket: the fake runner only says that it has one.
    port = listener.getsockname()[1]
    listener.close()
    daemon.finish(daemon.submit(a_plan(a_service(port))).run.id)
    with socket.create_server(("127.0.0.1", port)):
        run = daemon.finish(daemon.submit(a_plan(a_service(port, "hello again"))).run.id)
        assert run.state == "succeeded"
        with pytest.raises(RefusedError) as caught:
            daemon.submit(a_plan(a_service(port), name="other"))
    assert caught.value.reason == "PORT_IN_USE", "another spec's service is another program"


def test_accelerator_that_is_not_there_is_refused(stopped_daemon: Daemon, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    daemon = stopped_daemon.start()
    error = refusal(daemon, a_plan(with_parameters(a_step("train"), device="cuda")))
    assert error.reason == "HARDWARE_MISSING"
    assert has(error, {"step": "train", "device": "cuda"})
    assert "accelerator" in error.message


def test_environment_that_is_not_installed_is_refused_with_its_command(daemon: Daemon) -> None:
    error = refusal(daemon, a_plan(a_step("one"), a_step("two", environment="serve-nowhere")))
    assert error.reason == "ENVIRONMENT_MISSING"
    assert has(error, {"step": "two", "command": "tunewright env sync serve-nowhere"})
    assert "tunewright env sync serve-nowhere" in error.message


def test_step_that_nothing_can_run_is_refused_with_what_is_missing(daemon: Daemon) -> None:
    words = "approval by people is not built yet"
    error = refusal(daemon, a_plan(a_step("one"), a_step("vote", not_executable=words)))
    assert error.reason == "NOT_EXECUTABLE"
    assert has(error, {"step": "vote", "missing": words})


def test_secret_that_is_not_stored_is_refused_until_it_is(daemon: Daemon) -> None:
    plan = a_plan(with_inputs(a_step("fetch", [write("model", "m")]), token=StepInput(role="secret", path="HUB_TOKEN")))
    error = refusal(daemon, plan)
    assert error.reason == "SECRET_MISSING"
    assert has(error, {"step": "fetch", "secret": "HUB_TOKEN"})
    assert "tunewright secret set HUB_TOKEN" in error.message

    file = daemon.home / "secrets" / "HUB_TOKEN"
    file.parent.mkdir()
    file.write_text("hf_only_for_the_runner")
    file.chmod(0o644)
    error = refusal(daemon, plan)
    assert error.reason == "SECRET_UNAVAILABLE"
    assert f"chmod 600 {file}" in error.message

    file.chmod(0o400)
    run = daemon.finish(daemon.submit(plan).run.id)

    assert run.state == "succeeded"
    step_file = (daemon.bundle(run.id, "fetch") / "step.json").read_text()
    delivered = Path(json.loads(step_file)["inputs"]["token"]["path"])
    assert delivered.name == "HUB_TOKEN"
    assert not delivered.parent.exists()
    assert "hf_only_for_the_runner" not in step_file


def test_what_is_reused_needs_nothing_of_this_machine(daemon: Daemon) -> None:
    done = a_step("train", [write("model", "m")])
    daemon.finish(daemon.submit(a_plan(done)).run.id)
    elsewhere = replace(with_parameters(done, device="cuda"), launch=None)
    assert daemon.finish(daemon.submit(a_plan(elsewhere)).run.id).step("train").state == "reused"


@pytest.mark.parametrize(
    ("then", "reason", "words"),
    [
        (lambda path: path.write_text("other rows\n"), "INPUT_CHANGED", "rows.jsonl has changed"),
        (Path.unlink, "INPUT_MISSING", "rows.jsonl is not there any more"),
    ],
    ids=["changed", "gone"],
)
def test_data_that_changes_before_its_step_starts_is_never_used(
    daemon: Daemon, tmp_path: Path, then: Any, reason: str, words: str
) -> None:
    rows = tmp_path / "rows.jsonl"
    rows.write_text("rows\n")
    data = StepInput(role="data", path="file:rows.jsonl", digest=digest_of_file(rows))
    plan = a_plan(a_step("base", [WAIT, write("model", "m")]), with_inputs(a_step("train", needs=["base"]), data=data))
    source = SpecSource(text=text_of(plan), path="life.yaml", base_directory=str(tmp_path))
    run = daemon.client.create_run(source).run.id
    work = daemon.bundle(run, "base") / "work"
    eventually(work.is_dir)

    then(rows)
    (work / "go").touch()
    ended = daemon.finish(run)

    assert {step.step: step.state for step in ended.steps} == {"base": "succeeded", "train": "failed"}
    assert ended.failure is not None
    assert (ended.failure.step, ended.failure.reason) == ("train", reason)
    assert words in ended.failure.message
    assert not (daemon.bundle(run, "train") / "events.jsonl").exists(), "no runner has seen it"
    assert daemon.client.get_artifact(ended.step("base").artifact).intact
