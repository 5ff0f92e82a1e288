"""Which inventory this machine has."""

import logging
import os
from collections.abc import Callable
from pathlib import Path

from tunewright.daemon.devices.cpu import ProcessorOnly
from tunewright.daemon.devices.device import Inventory, Reading, only
from tunewright.daemon.devices.fake import FakeInventory
from tunewright.daemon.devices.nvml import NvmlInventory, library_found

_log = logging.getLogger(__name__)


class _Visible:
    """An inventory without the devices that the daemon was started without."""

    def __init__(self, inventory: Inventory, visible: str) -> None:
        self._inventory = inventory
        self._visible = visible

    def read(self) -> tuple[Reading, ...]:
        return only(self._inventory.read(), self._visible)


def find_inventory(file: Path | None = None, found: Callable[[], bool] = library_found) -> Inventory:
    """Return the inventory of the file that stands for a machine, else of this machine."""
    if file is not None:
        return FakeInventory(file)
    if not found():
        _log.info("no accelerators: NVIDIA's driver library is not on this machine")
        return ProcessorOnly()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return NvmlInventory() if visible is None else _Visible(NvmlInventory(), visible)
