"""What a container leaves of the machine: the limits of this process's control groups (Linux, both versions)."""

from collections.abc import Iterator
from pathlib import Path

_ROOT = Path("/sys/fs/cgroup")
_MEMBERSHIP = Path("/proc/self/cgroup")
#: Version 1 writes a number near 2**63 for "no limit".
_NO_LIMIT = 2**60


def memory_limit(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> int | None:
    """Return the lowest memory limit in bytes of the groups around this process, or None."""
    limits = [
        int(text)
        for folder in _groups(root, membership, "memory")
        for name in ("memory.max", "memory.limit_in_bytes")
        if (text := _read(folder / name)).isdecimal()
    ]
    return min((limit for limit in limits if limit < _NO_LIMIT), default=None)


def cpu_quota(root: Path = _ROOT, membership: Path = _MEMBERSHIP) -> float | None:
    """Return how many cores' worth of time the groups around this process grant, or None when they don't limit it."""
    quotas = []
    for folder in _groups(root, membership, "cpu"):
        quota, _, period = _read(folder / "cpu.max").partition(" ")
        if not quota:
            quota, period = _read(folder / "cpu.cfs_quota_us"), _read(folder / "cpu.cfs_period_us")
        if quota.isdecimal() and period.isdecimal() and int(period):
            quotas.append(int(quota) / int(period))
    return min(quotas, default=None)


def _groups(root: Path, membership: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of this process's group and of those around it."""
    for line in _read(membership).splitlines():
        _, controllers, group = (*line.split(":", 2), "", "")[:3]
        if controllers and controller not in controllers.split(","):
            continue
        top = root / controller if controllers else root
        folder = top / group.lstrip("/")
        yield from (place for place in (folder, *folder.parents) if place == top or top in place.parents)


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""
