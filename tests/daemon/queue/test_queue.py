"""Real runs on two imagined accelerators: gangs wait, high priority takes the place of low at a checkpoint."""

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.daemons import PACKAGE_ROOT, Daemon, eventually
from harness.plans import a_plan, a_step, role, write

from tunewright.client.errors import RefusedError
from tunewright.compiler.ir.plan import Estimate, Plan, Step

GIB = 2**30
DEVICES = [{"uuid": f"GPU-{letter}", "name": "NVIDIA A100-SXM4-80GB", "memory_bytes": 80 * GIB} for letter in "ab"]
ENDS = {"wait_for": "work/go"}
PAUSES = {"wait_for_pause": True}
DONE = [write("adapter.txt", "delta"), role("adapter")]


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Daemon]:
    """A daemon on a machine with two accelerators."""
    file = tmp_path / "devices.json"
    file.write_text(json.dumps({"devices": DEVICES}))
    daemon = Daemon(tmp_path / "home")
    try:
        yield daemon.start("--devices", str(file))
    finally:
        daemon.clean_up()


def on_devices(name: str, script: Sequence[Any], count: int, **more: Any) -> Step:
    step = a_step(name, script, **more)
    assert step.launch is not None
    return replace(
        step,
        parameters={**step.parameters, "device": "cuda"},
        launch=replace(step.launch, processes_per_node=count),
    )


def gang(name: str, count: int, *script: Any, step: str = "sft") -> Plan:
    """Return a plan of one step on so many accelerators; its name makes it another work than the others."""
    return a_plan(on_devices(step, [*script, write("name", name), *DONE], count), name=name)


def is_up(daemon: Daemon, run: str, step: str = "sft") -> Any:
    client = daemon.client
    return eventually(lambda: client.get_run(run).run.step(step).state == "running")


def go(daemon: Daemon, run: str, attempt: int = 1) -> None:
    (daemon.bundle(run, "sft", attempt) / "work" / "go").touch()


def visible(daemon: Daemon, run: str, attempt: int = 1, step: str = "sft") -> str:
    """Return the devices that the runner of an attempt was given."""
    content = json.loads((daemon.bundle(run, step, attempt) / "step.json").read_text())
    return content["command"]["env"]["CUDA_VISIBLE_DEVICES"]


def told(daemon: Daemon, run: str, *kinds: str) -> list[str]:
    return [event.kind for event in daemon.events(run) if event.kind in kinds]


def test_a_gang_waits_says_why_and_begins_when_all_of_it_is_free(machine: Daemon) -> None:
    small = machine.submit(gang("small", 1, ENDS)).run.id
    is_up(machine, small)
    assert visible(machine, small) == "GPU-a"

    both = machine.submit(gang("both", 2, ENDS)).run.id
    late = machine.submit(gang("late", 1)).run.id
    client = machine.client
    waits = eventually(lambda: client.get_run(both).run.step("sft").waiting)
    assert (waits.reason, waits.position, waits.behind) == ("ACCELERATORS", 1, "")
    assert waits.message == "waiting for 2 of 2 accelerators (1 free); next in the queue"
    behind = eventually(lambda: client.get_run(late).run.step("sft").waiting)
    assert (behind.reason, behind.position, behind.behind) == ("RESERVED", 2, both)
    assert f"2nd in the queue, behind run {both}" in behind.message

    queue = client.queue()
    assert [(item.run, item.needs.devices) for item in queue.steps] == [(both, 2), (late, 1)]
    assert [(item.run, item.devices) for item in queue.holding] == [(small, ("GPU-a",))]
    assert (queue.total.devices, queue.free.devices, queue.others) == (2, 1, 0)

    go(machine, small)
    is_up(machine, both)
    assert visible(machine, both) == "GPU-a,GPU-b"
    assert client.get_run(late).run.step("sft").state == "waiting", "it did not slip past the gang"
    go(machine, both)
    assert {machine.finish(run).state for run in (small, both, late)} == {"succeeded"}
    assert client.queue().holding == ()


def test_high_priority_takes_the_place_of_low_which_goes_on_from_its_checkpoint(machine: Daemon) -> None:
    low = machine.submit(gang("low", 2, PAUSES), priority=-100).run.id
    is_up(machine, low)
    urgent = machine.submit(gang("urgent", 2, ENDS), priority=100).run.id

    is_up(machine, urgent)
    client = machine.client
    rests = client.get_run(low).run
    assert (rests.state, rests.step("sft").state) == ("running", "waiting")
    assert rests.step("sft").failure is not None
    assert (rests.step("sft").failure.reason, rests.failure) == ("PREEMPTED", None)
    assert urgent in rests.step("sft").failure.message
    machine.kill()
    machine.start("--devices", str(machine.home.parent / "devices.json"))
    assert [item.run for item in client.queue().holding] == [urgent], "leases outlive the daemon"

    go(machine, urgent)
    ended = machine.finish(low)
    assert (ended.state, ended.step("sft").attempt) == ("succeeded", 2)
    assert machine.finish(urgent).state == "succeeded"
    assert (machine.bundle(low, "sft", 2) / "work" / "checkpoints" / "checkpoint-7").is_dir(), "it went on from there"
    kinds = ("step_started", "step_preempting", "step_preempted", "step_paused", "step_retrying", "run_pausing")
    assert told(machine, low, *kinds) == ["step_started", "step_preempting", "step_preempted", "step_started"]


def test_nobody_is_preempted_who_is_not_to_be(machine: Daemon) -> None:
    firm = machine.submit(gang("firm", 2, ENDS), preemptible=False).run.id
    is_up(machine, firm)
    urgent = machine.submit(gang("urgent", 1), priority=200).run.id
    client = machine.client
    assert eventually(lambda: client.get_run(urgent).run.step("sft").waiting).reason == "ACCELERATORS"
    go(machine, firm)
    assert (machine.finish(firm).state, machine.finish(urgent).state) == ("succeeded", "succeeded")
    assert told(machine, firm, "step_preempting") == []


def test_a_run_gets_another_place_by_another_priority(machine: Daemon) -> None:
    first = machine.submit(gang("first", 2, ENDS), preemptible=False).run.id
    is_up(machine, first)
    second, third = (machine.submit(gang(name, 2)).run.id for name in ("second", "third"))
    client = machine.client
    eventually(lambda: [item.run for item in client.queue().steps] == [second, third])

    changed = client.set_priority(third, 100, by="alice")
    assert changed.priority == 100
    assert [item.run for item in client.queue().steps] == [third, second]
    event = next(event for event in machine.events(third) if event.kind == "run_prioritized")
    assert dict(event.body) == {"by": "alice", "priority": "high", "before": "normal"}
    with pytest.raises(RefusedError) as caught:
        client.set_priority(second, 100, etag="0")
    assert caught.value.reason == "ETAG_MISMATCH"
    client.cancel(second)
    client.cancel(third)
    go(machine, first)
    machine.finish(first)


def test_what_the_machine_never_has_is_refused_with_the_numbers(machine: Daemon) -> None:
    with pytest.raises(RefusedError) as caught:
        machine.submit(gang("many", 8))
    assert caught.value.reason == "HARDWARE_MISSING"
    assert (caught.value.metadata["needed"], caught.value.metadata["available"]) == ("8", "2")
    assert "8 accelerators, and this machine has 2" in caught.value.message

    large = replace(on_devices("sft", DONE, 1), estimate=Estimate(memory_bytes=100 * GIB))
    with pytest.raises(RefusedError) as caught:
        machine.submit(a_plan(large))
    assert caught.value.metadata["needed"] == str(100 * GIB)

    host = replace(a_step("sft", DONE), estimate=Estimate(memory_bytes=2**52))
    with pytest.raises(RefusedError) as caught:
        machine.submit(a_plan(host))
    assert "of main memory" in caught.value.message
    assert list(machine.client.list_runs()) == []


def test_steps_on_the_processor_see_no_accelerator_and_take_no_device(machine: Daemon) -> None:
    both = machine.submit(gang("both", 2, ENDS)).run.id
    is_up(machine, both)
    plan = a_plan(a_step("data", DONE), name="cpu")
    done = machine.finish(machine.submit(plan).run.id)
    assert done.state == "succeeded", "it needs a slot, and that is free"
    assert visible(machine, done.id, step="data") == ""
    go(machine, both)
    machine.finish(both)


def test_a_service_holds_its_device_as_long_as_it_stays(machine: Daemon) -> None:
    ready = {"emit": {"kind": "ready", "address": "http://127.0.0.1:1"}}
    chat = replace(on_devices("chat", [ready, {"sleep": 300}], 1), service=True)
    served = machine.finish(machine.submit(a_plan(chat, name="served")).run.id)
    assert served.state == "succeeded"
    both = machine.submit(gang("both", 2), priority=200).run.id
    client = machine.client
    assert eventually(lambda: client.get_run(both).run.step("sft").waiting).reason == "ACCELERATORS"
    client.stop_deployment("served-chat", mode="now")
    assert machine.finish(both).state == "succeeded"


def test_the_command_line_shows_the_queue(machine: Daemon) -> None:
    low = machine.submit(gang("low", 2, ENDS), priority=-100, preemptible=False).run.id
    is_up(machine, low)
    waits = machine.submit(gang("waits", 2)).run.id
    eventually(lambda: machine.client.queue().steps)

    def say(*words: str) -> str:
        command = [sys.executable, "-P", "-m", "tunewright", *words, "--daemon", f"unix:{machine.home}/daemon.sock"]
        environment = {"PYTHONPATH": PACKAGE_ROOT, "PATH": "", "TUNEWRIGHT_HOME": str(machine.home)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    text = say("queue")
    assert "free: 0 of 2 accelerators, 1 of 1 CPU slot" in text
    assert f"{waits}  sft   waits  default  normal    2 accelerators  waiting for 2 of 2 accelerators" in text
    assert f"{low}  sft   low   default  low       2 accelerators" in text
    assert "waiting for 2 of 2 accelerators (0 free); next in the queue" in say("runs")
    assert say("priority", waits, "-5") == f"run {waits}: priority -5\n"
    machine.client.cancel(waits)
    go(machine, low)
    machine.finish(low)
