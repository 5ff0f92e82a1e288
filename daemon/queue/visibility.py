"""How a process is told which devices it may use: the variables of each maker's driver."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from tunewright.compiler.facts.accelerators import accelerator_model
from tunewright.daemon.devices.device import Device
from tunewright.daemon.queue.machine import Machine


@dataclass(frozen=True, slots=True)
class _Driver:
    """The variable that a driver heeds, and what it calls a device."""

    variable: str
    word: Callable[[Device], str]


_NVIDIA = _Driver("CUDA_VISIBLE_DEVICES", lambda device: device.uuid)
_DRIVERS: Mapping[str, _Driver] = {
    "nvidia": _NVIDIA,
    "amd": _Driver("ROCR_VISIBLE_DEVICES", lambda device: device.uuid),
    # It knows devices by their number only.
    "huawei": _Driver("ASCEND_RT_VISIBLE_DEVICES", lambda device: str(device.index)),
}


def visible_devices(leased: Iterable[str], machine: Machine) -> dict[str, str]:
    """Return the variables that leave a process the devices it has leased, and none where it has leased none."""
    wanted = set(leased)
    found: dict[str, list[str]] = {}
    for device in machine.devices:
        driver = _driver(device)
        words = found.setdefault(driver.variable, [])
        if device.uuid in wanted:
            words.append(driver.word(device))
    return {variable: ",".join(words) for variable, words in found.items()}


def _driver(device: Device) -> _Driver:
    model = accelerator_model(device.kind)
    return _NVIDIA if model is None else _DRIVERS.get(model.vendor, _NVIDIA)
