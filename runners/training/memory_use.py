"""How much memory is in use, of the host and of the device. Standard library only until an accelerator is asked."""

import resource
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_MEMINFO = Path("/proc/meminfo")
_GROUPS = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")


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


def host_share(meminfo: Path = _MEMINFO, groups: Path = _GROUPS, membership: Path = _MEMBERSHIP) -> float | None:
    """Return the share of the host's memory, or of the control group's limit, that is in use; None where unknown."""
    shares = [share for share in (_of_machine(meminfo), _of_group(groups, membership)) if share is not None]
    return max(shares, default=None)


def _of_machine(meminfo: Path) -> float | None:
    try:
        lines = dict(line.split(":", 1) for line in meminfo.read_text(encoding="ascii").splitlines())
        total, available = (int(lines[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    except (OSError, ValueError, KeyError):
        return None
    return 1 - available / total


def _of_group(groups: Path, membership: Path) -> float | None:
    """Return the largest share of the limits of this process's group and of those around it, None without a limit."""
    shares = [
        share for folder, form in _memory_groups(groups, membership) if (share := _used(folder, form)) is not None
    ]
    return max(shares, default=None)


class _Form(NamedTuple):
    """The files of one version of control groups, and the name of what can be given back in `memory.stat`."""

    limit: str
    usage: str
    given_back: str


_FIRST = _Form("memory.limit_in_bytes", "memory.usage_in_bytes", "total_cache")
_SECOND = _Form("memory.max", "memory.current", "file")


def _memory_groups(groups: Path, membership: Path) -> Iterator[tuple[Path, _Form]]:
    try:
        lines = membership.read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        number, controllers, group = (*line.split(":", 2), "", "")[:3]
        if number == "0":
            top, form = groups, _SECOND
        elif "memory" in controllers.split(","):
            top, form = groups / "memory", _FIRST
        else:
            continue
        # In a container its own group is the top, whatever the path says.
        for name in dict.fromkeys((group.strip("/"), "")):
            yield top / name, form


def _used(folder: Path, form: _Form) -> float | None:
    """Pages of files count in a group's usage and can be given back: they are no use that could end in a kill."""
    try:
        limit = int((folder / form.limit).read_text(encoding="ascii"))
        current = int((folder / form.usage).read_text(encoding="ascii"))
        rows = (line.split() for line in (folder / "memory.stat").read_text(encoding="ascii").splitlines())
        statistics = {name: int(value) for name, value in rows}
    except (OSError, ValueError):
        return None
    return max(0, current - statistics.get(form.given_back, 0)) / limit if limit > 0 else None
