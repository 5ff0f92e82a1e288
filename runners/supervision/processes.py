"""The process table as values (Linux): who a process is beyond its number, who descends from whom, who has a mark."""

import contextlib
import os
import signal
import time
from collections.abc import Callable, Collection, Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from tunewright.spec.record import record

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


class ProcessRow(NamedTuple):
    """One line of the process table; `start_ticks` since boot tells two users of one pid apart."""

    pid: int
    state: str
    parent: int
    group: int
    start_ticks: int
    resident_bytes: int


@record(kw_only=True)
class ProcessIdentity:
    """A process for ever: the number alone is reused by the kernel, number + start + boot is not."""

    pid: int
    start_ticks: int
    boot_id: str

    def alive(self) -> bool:
        """Answer whether exactly this process still runs (a zombie does not)."""
        row = read_row(self.pid)
        return (
            row is not None and row.state != "Z" and row.start_ticks == self.start_ticks and boot_id() == self.boot_id
        )

    def to_json(self) -> dict[str, Any]:
        """Return the JSON object that supervisor.json holds."""
        return asdict(self)

    @staticmethod
    def from_json(value: Any) -> "ProcessIdentity | None":
        """Read an identity back; None for anything that is not one."""
        match value:
            case {"pid": int(pid), "start_ticks": int(ticks), "boot_id": str(boot)} if pid > 1:
                return ProcessIdentity(pid=pid, start_ticks=ticks, boot_id=boot)
            case _:
                return None


def boot_id() -> str:
    """Return the id that the kernel drew at this boot."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()


def identify(pid: int) -> ProcessIdentity | None:
    """Return the identity of a live process, None when there is none."""
    row = read_row(pid)
    return None if row is None else ProcessIdentity(pid=pid, start_ticks=row.start_ticks, boot_id=boot_id())


def read_row(pid: int) -> ProcessRow | None:
    """Return one line of the process table, None when the process is gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as stream:  # noqa: PTH123 - read some hundred times a scan
            text = stream.read()
    except OSError:
        return None
    # The name stands in parentheses and may itself hold blanks and parentheses: what counts begins after the last one.
    fields = text[text.rindex(b")") + 2 :].split()
    return ProcessRow(
        pid, fields[0].decode(), int(fields[1]), int(fields[2]), int(fields[19]), int(fields[21]) * _PAGE_BYTES
    )


def read_table() -> dict[int, ProcessRow]:
    """Return the process table by pid."""
    rows = (read_row(pid) for pid in _pids())
    return {row.pid: row for row in rows if row is not None}


def descendants(root: int, table: dict[int, ProcessRow]) -> list[ProcessRow]:
    """Return the living processes below `root`. Complete for a child subreaper: orphans come back to it."""
    children: dict[int, list[ProcessRow]] = {}
    for row in table.values():
        children.setdefault(row.parent, []).append(row)
    found: list[ProcessRow] = []
    pending = [root]
    while pending:
        below = children.pop(pending.pop(), [])
        found += (row for row in below if row.state != "Z")
        pending += (row.pid for row in below)
    return found


def carriers(marks: Collection[bytes]) -> list[int]:
    """Return the pids, but our own, whose start environment holds every one of `marks` (`NAME=value`)."""
    wanted, own = set(marks), os.getpid()
    return [pid for pid in _pids() if pid != own and wanted <= _environ(pid)]


def _pids() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]  # noqa: PTH208 - text is all that is needed


def _environ(pid: int) -> set[bytes]:
    try:
        with open(f"/proc/{pid}/environ", "rb") as stream:  # noqa: PTH123
            return set(stream.read().split(b"\0"))
    except OSError:
        return set()


def kill_until_gone(find: Callable[[], Iterable[int]], seconds: float) -> tuple[set[int], set[int]]:
    """SIGKILL what `find` returns until that is nothing; return all signalled, and those still there at the end."""
    signalled: set[int] = set()
    deadline = time.monotonic() + seconds
    pause = 0.002
    while found := set(find()):
        if time.monotonic() > deadline:
            return signalled, found
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        signalled |= found
        time.sleep(pause)
        pause = min(2 * pause, 0.1)  # what does not die at once hangs: looking costs processor time
    return signalled, set()
