"""An inventory that reads a file, for tests and demonstrations: whoever changes the file changes the machine.

    {"devices": [{"uuid": "GPU-1", "name": "NVIDIA A100-SXM4-80GB", "memory_bytes": 85899345920, "processes": [4711]}],
     "hang_seconds": 0, "error": ""}

Fields of a device and of a sample stand in one object. Named when the daemon is started, never by a spec.
"""

import json
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

from tunewright.daemon.devices.device import Device, InventoryError, Reading, Sample

_OF_DEVICE = frozenset(field.name for field in fields(Device))
_OF_SAMPLE = frozenset(field.name for field in fields(Sample))


class FakeInventory:
    """Reads its file anew at every look."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def read(self) -> tuple[Reading, ...]:
        """Return the devices of the file; raise InventoryError where it says so, or is no such file."""
        try:
            value = json.loads(self._file.read_text("utf-8"))
            time.sleep(value.get("hang_seconds", 0))
            if value.get("error"):
                raise InventoryError(value["error"])
            return tuple(described(index, item) for index, item in enumerate(value["devices"]))
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise InventoryError(f"{self._file} does not describe devices: {error}") from error


def described(index: int, item: dict[str, Any]) -> Reading:
    """Return one device of the file; raise ValueError for a field that nothing has."""
    if unknown := set(item) - _OF_DEVICE - _OF_SAMPLE - {"silence"}:
        raise ValueError(f"a device has no {', '.join(sorted(unknown))}")
    device = Device(**{"index": index, **{name: value for name, value in item.items() if name in _OF_DEVICE}})
    if item.get("silence"):
        return Reading(device=device, silence=item["silence"])
    found = {name: value for name, value in item.items() if name in _OF_SAMPLE}
    found["processes"] = frozenset(found.get("processes", ()))
    return Reading(device=device, sample=Sample(**{"memory_used_bytes": 0, **found}))
