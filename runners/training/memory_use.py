"""How much memory is in use, of the host and of the device. Standard library only until an accelerator is asked."""

import resource
from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def memory_bytes(device: str) -> int:
    """Return the most memory this process has held so far: on the accelerator, or in the host for a processor."""
    if device == "cuda":
        import torch

        return int(torch.cuda.max_memory_allocated())
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def device_share(device: str) -> float | None:
    """Return the share of the device's memory that tensors have taken at most; None without one."""
    if device != "cuda":
        return None
    import torch

    _, there = torch.cuda.mem_get_info()
    return int(torch.cuda.max_memory_allocated()) / int(there)


def host_share(meminfo: Path = _MEMINFO, group: Path = _GROUP) -> float | None:
    """Return the share of the host's memory, or of the control group's limit, that is in use; None where unknown."""
    shares = [share for share in (_of_machine(meminfo), _of_group(group)) if share is not None]
    return max(shares, default=None)


def _of_machine(meminfo: Path) -> float | None:
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text(encoding="ascii").splitlines())
        total, available = (int(lines[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    except (OSError, ValueError, KeyError):
        return None
    return 1 - available / total


def _of_group(group: Path) -> float | None:
    """Pages of files count in `memory.current` and can be given back: they are no use that could end in a kill."""
    try:
        limit = int((group / "memory.max").read_text(encoding="ascii"))
        current = int((group / "memory.current").read_text(encoding="ascii"))
        rows = (line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
        statistics = {name: int(value) for name, value in rows}
    except (OSError, ValueError):
        return None
    return max(0, current - statistics.get("file", 0)) / limit
