"""NVIDIA's own binding on a library that answers as the driver's does: it takes no device to see what comes of it."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import tunewright

DRIVER = Path(__file__).parent / "driver" / "nvml.c"
PACKAGE_ROOT = str(Path(tunewright.__file__).parents[1])
LOOK = """
import json, sys
from dataclasses import asdict
from tunewright.daemon.devices.find import find_inventory
inventory = find_inventory()
plain = lambda value: sorted(value) if isinstance(value, frozenset) else value
looks = [[asdict(reading) for reading in inventory.read()] for _ in range(2)]
json.dump({"looks": looks, "imported": "pynvml" in sys.modules}, sys.stdout, default=plain)
"""


def look(folder: Path | None, **environment: str) -> dict[str, Any]:
    """Return what two looks find where the library lies in `folder`."""
    variables = {"PATH": os.environ["PATH"], "PYTHONPATH": PACKAGE_ROOT, **environment}
    if folder is not None:
        variables["LD_LIBRARY_PATH"] = str(folder)
    command = [sys.executable, "-P", "-c", LOOK]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.fixture(scope="module")
def driver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the library, made from its source."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("no C compiler to make the driver's stand-in with")
    folder = tmp_path_factory.mktemp("driver")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", str(folder / "libnvidia-ml.so.1"), str(DRIVER)], check=True)
    return folder


def test_what_the_driver_says_becomes_devices_and_samples(driver: Path) -> None:
    first, second = look(driver)["looks"]
    named = [(item["device"]["uuid"], item["device"]["index"], item["device"]["parent"]) for item in first]
    assert named == [("GPU-1", 0, None), ("MIG-10", 1, "GPU-2"), ("MIG-11", 1, "GPU-2")]
    whole, instance, _ = first
    assert whole["device"]["memory_bytes"] == 80 * 2**30
    assert whole["sample"] == {
        "memory_used_bytes": 100,  # without what the driver keeps for itself
        "utilization": 0.87,
        "temperature_celsius": 61,
        "power_watts": 312.5,
        "processes": [41, 43],
        "uncorrectable_errors": 4,
        "fault": "it has fallen off the bus (XID 79)",
    }
    assert instance["device"]["memory_bytes"] == 10 * 2**30
    assert (instance["sample"]["memory_used_bytes"], instance["sample"]["utilization"]) == (600, None)
    assert instance["sample"]["uncorrectable_errors"] is None
    assert second[0]["sample"]["fault"] is None, "a report is told once"


def test_visible_devices_are_the_only_ones(driver: Path) -> None:
    (found, _) = look(driver, CUDA_VISIBLE_DEVICES="MIG-11")["looks"]
    assert [item["device"]["uuid"] for item in found] == ["MIG-11"]


def test_without_the_driver_its_binding_is_not_even_imported() -> None:
    assert look(None) == {"looks": [[], []], "imported": False}
