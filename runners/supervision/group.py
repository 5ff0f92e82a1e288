"""A control group (Linux, version 2) around one attempt: limits that the kernel keeps, and a kill that nothing escapes.

Whatever a process does to its session, its parent or its environment, it stays in its group.
"""

import contextlib
import os
import time
from pathlib import Path

from tunewright.runners.contract import Limits

_PERIOD_MICROSECONDS = 100_000
#: Between groups niceness counts for nothing. These are the shares that niceness 10 and 0 have among each other.
_WEIGHT_BESIDE_CONTROL, _WEIGHT_OF_SERVICES = 11, 100
_REMOVE_SECONDS = 2.0


class Group:
    """One group, by its folder; works as well on any folder with files of those names."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._limited = False

    def make(self, limits: Limits, *, service: bool) -> None:
        """Make the group, empty and with these limits; raise OSError where one can't be set."""
        self._limited = limits.memory_bytes is not None or limits.cpus is not None
        self.folder.mkdir(exist_ok=True)
        self.kill()
        if limits.memory_bytes is not None:
            self._set("memory.max", limits.memory_bytes)
            # Half a training is of no use to anybody: all of it ends, and the reason is one.
            self._set("memory.oom.group", 1)
            with contextlib.suppress(FileNotFoundError, PermissionError):  # a machine without swap
                self._set("memory.swap.max", 0)
        if limits.cpus is not None:
            self._set("cpu.max", f"{round(limits.cpus * _PERIOD_MICROSECONDS)} {_PERIOD_MICROSECONDS}")
        with contextlib.suppress(FileNotFoundError, PermissionError):  # the processor is not shared out by groups here
            self._set("cpu.weight", _WEIGHT_OF_SERVICES if service else _WEIGHT_BESIDE_CONTROL)

    def join(self) -> None:
        """Move this process into the group; raise OSError where that fails and limits hang on it."""
        try:
            self._set("cgroup.procs", 0)
        except OSError:
            if self._limited:
                raise

    def pids(self) -> set[int]:
        """Return who is in the group and in groups below it."""
        found: set[int] = set()
        for folder, _, _ in os.walk(self.folder):
            with contextlib.suppress(OSError):
                found.update(map(int, Path(folder, "cgroup.procs").read_text("ascii").split()))
        return found - {0}  # someone in a pid namespace that we don't see into; as a target of kill(2) it is ourselves

    def kill(self) -> None:
        """Kill everything in the group at once, also what is being forked at this moment."""
        with contextlib.suppress(OSError):  # it is gone, or the kernel is older than 5.14: pids are killed one by one
            self._set("cgroup.kill", 1)

    def limit_kills(self) -> int:
        """Return how many processes the kernel has killed because the group's own memory limit was reached."""
        try:
            lines = (self.folder / "memory.events").read_text("ascii").splitlines()
            counts = {name: int(count) for name, count in (line.split() for line in lines)}
        except (OSError, ValueError):
            return 0
        # Where all of the machine's memory is used up, only the kill is counted here.
        return counts.get("oom_kill", 0) if counts.get("oom", 0) else 0

    def remove(self) -> None:
        """Remove the group, which nobody is in any more; one that resists is left to the next attempt to find."""
        deadline = time.monotonic() + _REMOVE_SECONDS
        while self.folder.is_dir():
            for folder, _, _ in os.walk(self.folder, topdown=False):
                with contextlib.suppress(OSError):  # a process that was killed leaves a moment later
                    os.rmdir(folder)  # noqa: PTH106
            if not self.folder.is_dir() or time.monotonic() > deadline:
                return
            time.sleep(0.005)

    def _set(self, name: str, value: int | str) -> None:
        # Never made: in a group that has no such file the limit would be kept by nobody.
        descriptor = os.open(self.folder / name, os.O_WRONLY | os.O_TRUNC | os.O_CLOEXEC)
        try:
            os.write(descriptor, str(value).encode("ascii"))
        finally:
            os.close(descriptor)
