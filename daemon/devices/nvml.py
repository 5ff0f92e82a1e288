"""NVIDIA's devices, through the driver's management library (NVML).

`pynvml` (package nvidia-ml-py) is imported only where the library itself is there: it takes 17 MB and 60 ms.
"""

import ctypes
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from tunewright.daemon.devices.device import Device, InventoryError, Reading, Sample

_LIBRARY = "libnvidia-ml.so.1"
#: Reports of the driver after which a device's results, or the device itself, can't be relied on. The many others tell
#: of a program's own mistake (13, 31, 43, 45) or of something that was put right (63, 92, 94).
FAULTS = {
    46: "it stopped processing",
    48: "its memory has an error that can't be corrected",
    62: "its controller halted",
    64: "broken memory can't be taken out of use",
    74: "its link to other devices has failed",
    79: "it has fallen off the bus",
    95: "a memory error reached other programs",
    110: "its security controller reports a fault",
    119: "its system processor does not answer",
    120: "its system processor has failed",
    140: "its memory has an error that can't be corrected",
}


def library_found() -> bool:
    """Answer whether the driver's library is on this machine."""
    try:
        ctypes.CDLL(_LIBRARY)
    except OSError:
        return False
    return True


class NvmlInventory:
    """Asks the driver. `library` is the module `pynvml`, or what stands for it; None: the real one, at first use."""

    def __init__(self, library: Any = None) -> None:
        self._nvml: Any = library
        self._events: Any = None
        self._watched: set[str] = set()

    def read(self) -> tuple[Reading, ...]:
        """Return every device, and in the place of a divided one its instances."""
        try:
            self._open()
            found = list(self._each())
            faults = self._faults()
        except self._nvml.NVMLError as error:
            self._close()
            raise InventoryError(f"NVIDIA's driver does not answer: {error}") from error
        return tuple(self._reading(device, handle, faults) for device, handle in found)

    def _open(self) -> None:
        if self._nvml is None:
            import pynvml

            self._nvml = pynvml
        if self._events is None:
            self._nvml.nvmlInit()
            self._events = self._nvml.nvmlEventSetCreate()

    def _close(self) -> None:
        """Begin anew next time: after a restart of the driver old handles answer nothing."""
        self._events = None
        self._watched.clear()
        self._ask(self._nvml.nvmlShutdown)

    def _each(self) -> Iterator[tuple[Device, Any]]:
        nvml = self._nvml
        for index in range(nvml.nvmlDeviceGetCount()):
            try:
                whole = nvml.nvmlDeviceGetHandleByIndex(index)
                device = self._device(whole, index, None)
            except nvml.NVMLError:  # it is lost: who knew it finds it missing, and the others go on
                continue
            self._watch(device.uuid, whole)
            instances = list(self._instances(whole, device)) if self._divided(whole) else []
            yield from instances or [(device, whole)]

    def _device(self, handle: Any, index: int, parent: str | None) -> Device:
        nvml = self._nvml
        return Device(
            uuid=nvml.nvmlDeviceGetUUID(handle),
            index=index,
            name=nvml.nvmlDeviceGetName(handle),
            memory_bytes=nvml.nvmlDeviceGetMemoryInfo(handle).total,
            parent=parent,
        )

    def _divided(self, handle: Any) -> bool:
        mode = self._ask(self._nvml.nvmlDeviceGetMigMode, handle)
        return mode is not None and mode[0] == self._nvml.NVML_DEVICE_MIG_ENABLE

    def _instances(self, whole: Any, parent: Device) -> Iterator[tuple[Device, Any]]:
        for place in range(self._nvml.nvmlDeviceGetMaxMigDeviceCount(whole)):
            handle = self._ask(self._nvml.nvmlDeviceGetMigDeviceHandleByIndex, whole, place)
            if handle is not None:
                yield self._device(handle, parent.index, parent.uuid), handle

    def _watch(self, uuid: str, handle: Any) -> None:
        if uuid not in self._watched:
            self._watched.add(uuid)
            self._ask(
                self._nvml.nvmlDeviceRegisterEvents, handle, self._nvml.nvmlEventTypeXidCriticalError, self._events
            )

    def _faults(self) -> dict[str, str]:
        """Return what the driver has reported since the last look, by UUID of the whole device."""
        found = {}
        while (event := self._ask(self._nvml.nvmlEventSetWait_v2, self._events, 0)) is not None:
            if (what := FAULTS.get(event.eventData)) is not None:
                found[self._nvml.nvmlDeviceGetUUID(event.device)] = f"{what} (XID {event.eventData})"
        return found

    def _reading(self, device: Device, handle: Any, faults: Mapping[str, str]) -> Reading:
        nvml = self._nvml
        fault = faults.get(device.parent or device.uuid)
        try:
            memory = self._ask(nvml.nvmlDeviceGetMemoryInfo, handle, nvml.nvmlMemory_v2)
            used = (memory or nvml.nvmlDeviceGetMemoryInfo(handle)).used
            processes = nvml.nvmlDeviceGetComputeRunningProcesses(handle)
        except nvml.NVMLError as error:
            return Reading(device=device, silence=fault or f"it does not answer: {error}")
        utilization = self._ask(nvml.nvmlDeviceGetUtilizationRates, handle)
        milliwatts = self._ask(nvml.nvmlDeviceGetPowerUsage, handle)
        sample = Sample(
            memory_used_bytes=used,
            utilization=None if utilization is None else utilization.gpu / 100,
            temperature_celsius=self._ask(nvml.nvmlDeviceGetTemperature, handle, nvml.NVML_TEMPERATURE_GPU),
            power_watts=None if milliwatts is None else milliwatts / 1000,
            processes=frozenset(process.pid for process in processes),
            uncorrectable_errors=self._ask(
                nvml.nvmlDeviceGetTotalEccErrors,
                handle,
                nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED,
                nvml.NVML_VOLATILE_ECC,
            ),
            fault=fault,
        )
        return Reading(device=device, sample=sample)

    def _ask(self, question: Callable[..., Any], *arguments: Any) -> Any:
        """Return the answer, None where this device or this version of the driver has none."""
        try:
            return question(*arguments)
        except self._nvml.NVMLError:
            return None
