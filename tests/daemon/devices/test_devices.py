"""Devices as values, the file that stands for a machine, and a driver that hangs."""

import asyncio
import json
import time
from pathlib import Path

import pytest

from tunewright.compiler.collect import hardware
from tunewright.daemon.devices.cpu import ProcessorOnly
from tunewright.daemon.devices.device import Device, InventoryError, Reading, only
from tunewright.daemon.devices.fake import FakeInventory
from tunewright.daemon.devices.find import find_inventory
from tunewright.daemon.devices.poller import Poller

A100 = {"uuid": "GPU-aa", "name": "NVIDIA A100-SXM4-80GB", "memory_bytes": 80 * 2**30}


def machine(tmp_path: Path, *devices: dict[str, object], **others: object) -> FakeInventory:
    file = tmp_path / "devices.json"
    file.write_text(json.dumps({"devices": devices, **others}), "utf-8")
    return FakeInventory(file)


def reading(uuid: str, index: int, parent: str | None = None) -> Reading:
    return Reading(device=Device(uuid=uuid, index=index, name="x", memory_bytes=1, parent=parent))


def test_the_file_is_read_anew_each_time(tmp_path: Path) -> None:
    inventory = machine(tmp_path, A100)
    (first,) = inventory.read()
    assert first.device.kind == "a100-80gb"
    assert first.sample is not None
    assert first.sample.processes == frozenset()
    machine(tmp_path, {**A100, "processes": [17], "memory_used_bytes": 5, "temperature_celsius": 41.5})
    (second,) = inventory.read()
    assert second.sample is not None
    assert (second.sample.processes, second.sample.memory_used_bytes) == (frozenset({17}), 5)
    assert second.sample.temperature_celsius == 41.5


@pytest.mark.parametrize("text", ["", "[]", '{"devices": [{"uuid": "x"}]}', '{"devices": [{"colour": "red"}]}'])
def test_a_file_that_describes_no_devices_is_an_error_and_no_empty_machine(tmp_path: Path, text: str) -> None:
    (tmp_path / "devices.json").write_text(text, "utf-8")
    with pytest.raises(InventoryError, match=r"devices\.json does not describe devices"):
        FakeInventory(tmp_path / "devices.json").read()


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, ["GPU-aa", "GPU-ab", "MIG-1", "MIG-2"]),
        ("", []),
        ("-1", []),
        ("1,0", ["GPU-ab", "GPU-aa"]),
        ("GPU-ab", ["GPU-ab"]),
        ("0,7,1", ["GPU-aa"]),
        ("MIG-2", ["MIG-2"]),
        ("GPU-b", ["MIG-1", "MIG-2"]),
    ],
)
def test_the_daemon_has_the_devices_that_it_was_started_with(visible: str | None, expected: list[str]) -> None:
    all_of_them = (
        reading("GPU-aa", 0),
        reading("GPU-ab", 1),
        reading("MIG-1", 2, "GPU-b"),
        reading("MIG-2", 2, "GPU-b"),
    )
    assert [found.device.uuid for found in only(all_of_them, visible)] == expected


def test_a_machine_without_the_driver_has_no_devices() -> None:
    inventory = find_inventory(found=lambda: False)
    assert isinstance(inventory, ProcessorOnly)
    assert inventory.read() == ()


def test_a_driver_that_hangs_holds_up_nobody_and_its_late_answer_counts(tmp_path: Path) -> None:
    inventory = machine(tmp_path, A100, hang_seconds=0.4)

    async def look() -> tuple[Reading, ...]:
        poller = Poller(inventory, timeout_seconds=0.05)
        began = time.monotonic()
        with pytest.raises(InventoryError, match=r"has not answered for 0\.05 s"):
            await poller.look()
        assert time.monotonic() - began < 0.35
        machine(tmp_path)  # what is asked next would answer differently
        while True:
            try:
                return await poller.look()
            except InventoryError:
                assert time.monotonic() - began < 10

    (late,) = asyncio.run(look())
    assert late.device.uuid == "GPU-aa"


def test_what_the_inventory_can_not_tell_is_said(tmp_path: Path) -> None:
    inventory = machine(tmp_path, error="the driver was taken out")
    with pytest.raises(InventoryError, match="taken out"):
        asyncio.run(Poller(inventory).look())


def test_plans_are_for_the_same_machine_whoever_looks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client asks the kernel, which costs nothing; the daemon takes the devices that it leases."""
    for place in ("0000:17:00.0", "0000:65:00.0"):
        (tmp_path / place).mkdir()
        (tmp_path / place / "information").write_text("Model: \t\t NVIDIA A100-SXM4-80GB\nIRQ: \t 42\n")
    monkeypatch.setattr(hardware, "_NVIDIA", tmp_path)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    hardware._nvidia_devices.cache_clear()
    try:
        client = hardware.collect_hardware().accelerator
    finally:
        hardware._nvidia_devices.cache_clear()
    found = machine(tmp_path, A100, {**A100, "uuid": "GPU-bb"}).read()
    daemon = hardware.collect_hardware(devices=[item.device.for_plans for item in found]).accelerator
    assert client == daemon
    assert client is not None
    assert (client.name, client.count) == ("a100-80gb", 2)


def test_an_instance_of_a_device_is_not_taken_for_all_of_it() -> None:
    instance = Device(uuid="MIG-1", index=0, name="NVIDIA A100-SXM4-80GB MIG 1g.10gb", memory_bytes=9, parent="GPU-1")
    assert instance.for_plans == (instance.name, 9)
