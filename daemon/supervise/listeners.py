"""Whose sockets listen at an address of this machine, told by the kernel's tables (Linux).

Whoever answers on a service's port may be anybody: only a socket that a process of the attempt holds is the service's.
"""

import ipaddress
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from tunewright.runners.supervision import record
from tunewright.runners.supervision.processes import descendants, read_table

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_LISTENING = "0A"
_TABLES = (Path("/proc/net/tcp"), Path("/proc/net/tcp6"))


class _Listener(NamedTuple):
    address: _Address
    port: int
    inode: int


def belongs_to(bundle: Path, host: str, port: int) -> bool:
    """Answer whether whoever is reached at `host`:`port` of this machine is a process of the bundle's attempt.

    Every socket that may be given the connection has to be one of its own: the kernel shares connections among
    sockets of one port where their owner allowed it (SO_REUSEPORT).
    """
    found = _listening_at(host, port)
    return bool(found) and found <= _sockets_of(bundle)


def taken_by_others(bundle: Path, host: str, port: int) -> bool:
    """Answer whether a process that is none of the bundle's attempt listens at `host`:`port`."""
    return not _listening_at(host, port) <= _sockets_of(bundle)


def _listening_at(host: str, port: int) -> set[int]:
    return {item.inode for item in _listeners() if item.port == port and _reaches(item.address, host)}


def _listeners() -> Iterator[_Listener]:
    for table in _TABLES:
        try:
            lines = table.read_text(encoding="ascii").splitlines()[1:]
        except OSError:  # a kernel without IPv6
            continue
        for line in lines:
            fields = line.split()
            if fields[3] == _LISTENING:
                address, _, port = fields[1].partition(":")
                yield _Listener(_address(address), int(port, 16), int(fields[9]))


def _address(text: str) -> _Address:
    """Read an address as the kernel prints it: words of four bytes, each in the machine's order."""
    words = (int(text[start : start + 8], 16) for start in range(0, len(text), 8))
    found = ipaddress.ip_address(b"".join(word.to_bytes(4, sys.byteorder) for word in words))
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _reaches(listening: _Address, host: str) -> bool:
    """Answer whether a connection to `host` may come to a socket bound to an address; names count as any."""
    if listening.is_unspecified:
        return True
    try:
        wanted = ipaddress.ip_address(host)
    except ValueError:
        return True
    return listening == wanted or wanted.is_unspecified


def _sockets_of(bundle: Path) -> set[int]:
    supervisor, _ = record.read_processes(bundle)
    if supervisor is None or not supervisor.alive():
        return set()
    found: set[int] = set()
    for process in descendants(supervisor.pid, read_table()):
        found |= _sockets(process.pid)
    return found


def _sockets(pid: int) -> set[int]:
    found = set()
    try:
        for entry in Path(f"/proc/{pid}/fd").iterdir():
            kind, _, inode = str(entry.readlink()).partition(":")
            if kind == "socket":
                found.add(int(inode.strip("[]")))
    except OSError:  # it ends while we look
        return found
    return found
