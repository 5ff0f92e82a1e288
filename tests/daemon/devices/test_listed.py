"""Devices through the API: who may see and release them, over a machine that a file stands for."""

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from harness.daemons import Daemon, eventually
from harness.plans import a_plan, a_step, role, write
from harness.sites import Site, source_in

from tunewright.client.errors import RefusedError
from tunewright.compiler.ir.plan import Plan

GPU: dict[str, Any] = {"uuid": "GPU-aa", "name": "NVIDIA A100-SXM4-80GB", "memory_bytes": 80 * 2**30}


def be_like(file: Path, *items: dict[str, Any]) -> Path:
    aside = file.with_suffix(".new")
    aside.write_text(json.dumps({"devices": items}), "utf-8")
    aside.rename(file)
    return file


def test_devices_are_listed_watched_and_released(stopped_daemon: Daemon, tmp_path: Path) -> None:
    other = {**GPU, "uuid": "GPU-bb", "uncorrectable_errors": 1, "power_watts": 71.5}
    file = be_like(tmp_path / "devices.json", {**GPU, "processes": [os.getpid()]}, other)
    client = stopped_daemon.start("--devices", str(file)).client
    found = eventually(client.devices)
    assert [(item.uuid, item.kind, item.state) for item in found] == [
        ("GPU-aa", "a100-80gb", "foreign"),
        ("GPU-bb", "a100-80gb", "quarantined"),
    ]
    assert str(os.getpid()) in found[0].reason
    assert found[0].processes == (os.getpid(),)
    assert (found[1].power_watts, found[1].temperature_celsius, found[1].uncorrectable_errors) == (71.5, None, 1)

    released = client.release_device("GPU-bb", reason="seen")
    assert (released.state, released.reason) == ("free", "seen")
    entry = next(iter(client.machine_events()))
    assert (entry.kind, entry.subject, entry.reason) == ("device_free", "GPU-bb", "seen")
    for uuid, reason in (("GPU-aa", "DEVICE_NOT_QUARANTINED"), ("GPU-cc", "DEVICE_NOT_FOUND")):
        with pytest.raises(RefusedError) as refused:
            client.release_device(uuid, reason="x")
        assert refused.value.reason == reason
    with pytest.raises(RefusedError, match="must say why"):
        client.release_device("GPU-bb", reason=" ")

    be_like(file, GPU)
    states = eventually(
        lambda: (now := [item.state for item in client.devices()]) == ["free", "missing"] and now, seconds=20
    )
    assert states == ["free", "missing"]
    stopped_daemon.kill()
    listed = stopped_daemon.start().client.devices()
    assert [item.uuid for item in listed] == ["GPU-aa", "GPU-bb"], "what was here is remembered"
    eventually(lambda: {item.state for item in stopped_daemon.client.devices()} == {"missing"})


def on_a_device(name: str, *script: Any) -> Plan:
    step = a_step("sft", [*script, write("name", name), role("adapter")])
    return a_plan(replace(step, parameters={**step.parameters, "device": "cuda"}), name=name)


def test_a_device_is_nobodys_before_its_memory_is_back(stopped_daemon: Daemon, tmp_path: Path) -> None:
    file = be_like(tmp_path / "devices.json", GPU)
    client = stopped_daemon.start("--devices", str(file)).client
    first = stopped_daemon.submit(on_a_device("first", {"wait_for": "work/go"})).run.id
    eventually(lambda: client.get_run(first).run.step("sft").state == "running")
    (device,) = client.devices()
    assert (device.state, device.holder) == ("leased", (first, "sft"))

    be_like(file, {**GPU, "memory_used_bytes": 30 * 2**30})
    (stopped_daemon.bundle(first, "sft") / "work" / "go").touch()
    assert stopped_daemon.finish(first).state == "succeeded"
    second = stopped_daemon.submit(on_a_device("second")).run.id
    waiting = eventually(lambda: client.get_run(second).run.step("sft").waiting)
    assert "settling" in waiting.message
    (device,) = client.devices()
    assert (device.state, device.reason) == ("settling", f"step sft of run {first} has ended")

    be_like(file, GPU)
    assert stopped_daemon.finish(second).state == "succeeded"


def test_who_had_a_device_is_told_to_those_who_may_see_the_run(tmp_path: Path) -> None:
    file = be_like(tmp_path / "devices.json", GPU)
    site = Site(tmp_path, Daemon(tmp_path / "home"))
    try:
        site.prepare().start("--devices", str(file))
        owner = site.as_(site.certificate("owner", "sales:submitter"))
        watching = site.as_(site.certificate("anna", "support:viewer"))
        run = owner.create_run(source_in(site, "sales", on_a_device("first", {"wait_for": "work/go"}))).run.id
        eventually(lambda: owner.get_run(run).run.step("sft").state == "running")
        be_like(file, {**GPU, "memory_used_bytes": 30 * 2**30})
        (site.daemon.bundle(run, "sft") / "work" / "go").touch()
        eventually(lambda: owner.devices()[0].state == "settling")
        assert owner.devices()[0].reason == f"step sft of run {run} has ended"
        assert watching.devices()[0].reason == "a step of another project has ended"
    finally:
        site.clean_up()
