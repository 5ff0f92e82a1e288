"""Look at this machine, or take the one that a spec states: cores, memory, accelerators, room on the disk."""

import functools
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from tunewright.compiler.collect.limits import cpu_quota, memory_limit
from tunewright.compiler.facts.accelerators import accelerator_model, recognise
from tunewright.compiler.ir.facts import Accelerator, HardwareFacts

_MIB = 2**20
_NVIDIA = Path("/proc/driver/nvidia/gpus")
#: Cores that come with each accelerator of a machine that states none.
_CORES_PER_ACCELERATOR = 8


def collect_hardware(home: Path | None = None, devices: Sequence[tuple[str, int]] | None = None) -> HardwareFacts:
    """Return what this machine has and this process may use; `disk_free_bytes` is that of `home`'s file system.

    `devices` are name and memory of its accelerators where the caller knows them: they are not looked for then.
    """
    memory = _memory_bytes()
    return HardwareFacts(
        cpu_cores=_cpu_cores(),
        memory_bytes=memory,
        accelerator=_accelerator(memory) if devices is None else _smallest(devices),
        disk_free_bytes=None if home is None else _disk_free(home),
    )


def stated_hardware(
    accelerator: str, count: int = 1, nodes: int = 1, memory_bytes: int | None = None, cpu_cores: int | None = None
) -> HardwareFacts | None:
    """Return the machine that a spec states, or None when there is no accelerator of that name.

    Nothing of this machine enters, so the plan is the same wherever it is made. `memory_bytes` is 0 when not stated.
    """
    if accelerator.lower() == "cpu":
        return HardwareFacts(
            cpu_cores=cpu_cores or _CORES_PER_ACCELERATOR, memory_bytes=memory_bytes or 0, nodes=nodes, stated=True
        )
    model = accelerator_model(accelerator)
    if model is None:
        return None
    return HardwareFacts(
        cpu_cores=cpu_cores or _CORES_PER_ACCELERATOR * count,
        memory_bytes=memory_bytes or 0,
        accelerator=Accelerator(name=model.name, memory_bytes=model.memory_bytes, count=count),
        nodes=nodes,
        stated=True,
    )


def _cpu_cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota = cpu_quota()
    return max(1, min(cores, round(quota))) if quota else cores


def _memory_bytes() -> int:
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return min(total, memory_limit() or total)


def scratch_free(folder: Path) -> int | None:
    """Return the bytes that are free in a folder; None when it is not there or can't be written."""
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        return None
    status = os.statvfs(folder)
    return status.f_bavail * status.f_frsize


def _disk_free(home: Path) -> int | None:
    for folder in (home, *home.parents):
        try:
            status = os.statvfs(folder)
        except OSError:
            continue
        return status.f_bavail * status.f_frsize
    return None


def _accelerator(memory_bytes: int) -> Accelerator | None:
    if sys.platform == "darwin":
        return Accelerator(name="mps", memory_bytes=memory_bytes, count=1) if os.uname().machine == "arm64" else None
    return _smallest(_nvidia_devices())


def _smallest(devices: Sequence[tuple[str, int]]) -> Accelerator | None:
    """A plan is for equal devices: the smallest stands for all of a mixed machine."""
    if not devices:
        return None
    name, memory = min(devices, key=lambda device: device[1])
    return Accelerator(name=name, memory_bytes=memory, count=len(devices))


@functools.cache
def _nvidia_devices() -> tuple[tuple[str, int], ...]:
    """Return name and memory of the NVIDIA devices this process may use; looked up once, as it may start a process."""
    names = _names_of_driver()
    if not names:
        return ()
    known = [recognise(name) for name in names]
    found = tuple((model.name, model.memory_bytes) for model in known if model is not None)
    if len(found) < len(names):
        found = _ask_driver()
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return found
    wanted = [part.strip() for part in visible.split(",") if part.strip() and part.strip() != "-1"]
    if all(part.isdecimal() for part in wanted):
        return tuple(found[int(part)] for part in wanted if int(part) < len(found))
    return found[: len(wanted)]


def _names_of_driver() -> list[str]:
    """Return the devices' names as the kernel driver tells them, ordered by bus address."""
    try:
        files = sorted(_NVIDIA.glob("*/information"))
        texts = [file.read_text("utf-8", "replace") for file in files]
    except OSError:
        return []
    return [line.partition(":")[2].strip() for text in texts for line in text.splitlines() if line.startswith("Model:")]


def _ask_driver() -> tuple[tuple[str, int], ...]:
    """Ask `nvidia-smi` for devices whose name alone does not tell their memory."""
    import subprocess

    query = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(query, capture_output=True, text=True, timeout=10, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    found = []
    for line in answer.splitlines():
        name, _, mebibytes = line.rpartition(",")
        if mebibytes.strip().isdecimal():
            model = recognise(name)
            found.append((model.name if model else name.strip(), int(mebibytes) * _MIB))
    return tuple(found)
