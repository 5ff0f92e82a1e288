"""A socket that any user of the machine may open: the kernel says who did, and the daemon is told.

gRPC for Python does not ask the kernel (SO_PEERCRED), but it does tell the address from which a connection came. So we
accept, ask, and carry every connection on to the socket in the home from an address that stands for who it is. Only
the daemon's own user reaches either of the two: the folder of addresses and that socket are closed to others.
"""

import asyncio
import contextlib
import logging
import os
import socket
import stat
import struct
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tunewright.daemon.access.callers import Callers, TooManyConnectionsError
from tunewright.daemon.access.site import AccessError

_log = logging.getLogger(__name__)

_CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid
_LONGEST_ADDRESS = 107
_BACKLOG = 128
_CHUNK = 64 * 1024
_PAUSE_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedSocket:
    """`listening` is open to everybody, `inner` and the folder of addresses are the daemon's own."""

    path: Path
    listening: socket.socket
    inner: Path
    addresses: Path
    callers: Callers
    _told: set[int] = field(default_factory=set)

    @property
    def address(self) -> str:
        """What clients call it."""
        return f"unix:{self.path}"

    async def serve(self) -> None:
        """Take connections until cancelled."""
        loop = asyncio.get_running_loop()
        async with asyncio.TaskGroup() as connections:
            while True:
                try:
                    connection, _ = await loop.sock_accept(self.listening)
                except OSError as error:  # no descriptors left, for one: some become free again
                    _log.warning("can't take a connection on %s: %s", self.path, error.strerror)
                    await asyncio.sleep(_PAUSE_SECONDS)
                    continue
                connections.create_task(self._carry(connection))

    def close(self) -> None:
        """Listen no more."""
        self.listening.close()
        self.path.unlink(missing_ok=True)

    async def _carry(self, connection: socket.socket) -> None:
        """Carry one connection in both directions until one side ends it."""
        with connection, contextlib.suppress(OSError):
            connection.setblocking(False)
            told = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
            _, user, _ = _CREDENTIALS.unpack(told)
            try:
                with self.callers.connection(user) as name, await self._connected(name) as inner:
                    self._told.discard(user)
                    await _both(_pump(connection, inner), _pump(inner, connection))
            except TooManyConnectionsError as error:
                if user not in self._told:  # once, and again when it has become better meanwhile
                    self._told.add(user)
                    _log.warning("%s: %s; more are closed at once", self.path, error)

    async def _connected(self, name: str) -> socket.socket:
        """Return a connection to the daemon's own socket that comes from the address `name`."""
        address = self.addresses / name
        inner = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            inner.setblocking(False)
            inner.bind(os.fspath(address))
            await asyncio.get_running_loop().sock_connect(inner, os.fspath(self.inner))
        except BaseException:
            inner.close()
            raise
        finally:
            # The connection keeps its address; the file has no use.
            address.unlink(missing_ok=True)
        return inner


def open_shared_socket(path: Path, inner: Path, addresses: Path, callers: Callers) -> SharedSocket:
    """Listen on `path` for everybody; raise AccessError, saying what is in the way."""
    _check_place(path)
    _check_length(path)
    _check_length(addresses / f"{2**32 - 1}:{'0' * 16}")
    _make_empty(addresses)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.bind(os.fspath(path))
        path.chmod(0o666)  # who may do what is decided when it is known who they are
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        raise AccessError(f"can't listen on {path}: {error.strerror}") from error
    listening.setblocking(False)
    return SharedSocket(path=path, listening=listening, inner=inner, addresses=addresses, callers=callers)


async def _both(*ways: Coroutine[Any, Any, None]) -> None:
    """Go both ways until one comes to its end."""
    tasks = [asyncio.create_task(way) for way in ways]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _pump(source: socket.socket, sink: socket.socket) -> None:
    loop, buffer = asyncio.get_running_loop(), memoryview(bytearray(_CHUNK))
    try:
        while count := await loop.sock_recv_into(source, buffer):
            await loop.sock_sendall(sink, buffer[:count])
    except OSError:
        return  # one side is gone: the end of the connection, however it came


def _check_place(path: Path) -> None:
    """Whoever may write the folder could put a socket of theirs there, and be taken for the daemon."""
    try:
        folder = path.parent.stat()
    except OSError as error:
        raise AccessError(f"the folder of the socket {path} can't be used: {error.strerror}") from None
    if stat.S_IMODE(folder.st_mode) & 0o022 or folder.st_uid not in (0, os.getuid()):
        raise AccessError(
            f"others can write the folder {path.parent}, and put a socket of theirs where {path.name} belongs:"
            f" chmod go-w {path.parent}, or name a folder of root's or of the daemon's user"
        )
    if not path.exists():
        return
    if not path.is_socket():
        raise AccessError(f"{path} is no socket: move it away, or name another place")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as trying:
        try:
            trying.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()  # left by a daemon that was killed
            return
    raise AccessError(f"something else listens on {path}: stop it, or name another place")


def _check_length(path: Path) -> None:
    if len(os.fsencode(path)) > _LONGEST_ADDRESS:
        message = f"{path} is too long for a Unix socket (at most {_LONGEST_ADDRESS} bytes): choose a shorter place"
        raise AccessError(message)


def _make_empty(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
