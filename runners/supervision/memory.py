"""Whether the kernel killed for lack of memory: its counters, as near to us as they can be read."""

from pathlib import Path

_CGROUPS = Path("/sys/fs/cgroup")


def count_kills() -> int:
    """Return the sum of the out-of-memory kill counters that concern us; only its growth means anything."""
    return sum(_read_counter(path) for path in (*_cgroup_files(), Path("/proc/vmstat")))


def _cgroup_files() -> list[Path]:
    try:
        lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    files = []
    for line in lines:
        number, controllers, path = line.split(":", 2)
        if number == "0":
            files.append(_CGROUPS / path.lstrip("/") / "memory.events")
        elif "memory" in controllers.split(","):
            files.append(_CGROUPS / "memory" / path.lstrip("/") / "memory.oom_control")
    return files


def _read_counter(path: Path) -> int:
    try:
        text = path.read_text(encoding="ascii")
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("oom_kill "))
