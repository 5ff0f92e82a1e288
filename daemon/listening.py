"""Where the daemon listens: the Unix socket of its home, and what its settings and the access file name beside it."""

import os
from collections.abc import Callable
from pathlib import Path

import grpc
import grpc.aio

from tunewright.daemon.access.callers import Callers
from tunewright.daemon.access.certificates import server_credentials
from tunewright.daemon.access.reloading import Reloaded
from tunewright.daemon.access.shared_socket import SharedSocket, open_shared_socket
from tunewright.daemon.access.site import Listener, Site
from tunewright.daemon.aside import Aside
from tunewright.daemon.home import Home
from tunewright.daemon.settings import Settings


class ListenError(RuntimeError):
    """An address can't be listened on."""


def read_site(path: Path | None, aside: Aside | None = None) -> Callable[[], Site]:
    """Return what answers the access file's content as it is now; raise AccessError for one that is wrong at first.

    Grants, folders and limits follow the file. Addresses and where certificates lie are those of the start. With
    `aside` it is read in a process beside this one.
    """
    if path is None:
        nothing = Site()
        return lambda: nothing

    def read() -> Site:
        if aside is None:
            from tunewright.daemon.access.file import read_access_file

            return read_access_file(path)
        site: Site = aside.call("tunewright.daemon.access.file:read_access_file", path)
        return site

    read()
    return Reloaded((path,), read).get


def listen(server: grpc.aio.Server, settings: Settings, site: Site, home: Home) -> tuple[str, ...]:
    """Make the server listen and return the addresses; raise ListenError, AccessError."""
    # The home is ours, so a socket that lies there is nobody's. It must never be open to others, not even for a moment.
    home.socket.unlink(missing_ok=True)
    addresses = [f"unix:{home.socket}"]
    before = os.umask(0o177)
    try:
        server.add_insecure_port(addresses[0])
    except RuntimeError as error:
        raise ListenError(f"can't listen on {home.socket}: {error}") from error
    finally:
        os.umask(before)
    if settings.listen is not None:
        addresses.append(_add(server, settings.listen, None))
    for listener in [listener for listener in site.listen if listener.socket is None]:
        addresses.append(_add(server, listener.address, _credentials(listener, site)))
    return tuple(addresses)


def share(site: Site, home: Home, callers: Callers) -> tuple[SharedSocket, ...]:
    """Open the sockets for other users of this machine; raise AccessError."""
    paths = [listener.socket for listener in site.listen if listener.socket is not None]
    return tuple(open_shared_socket(path, home.socket, home.peers, callers) for path in paths)


def _credentials(listener: Listener, site: Site) -> grpc.ServerCredentials | None:
    if site.tls is None:
        return None
    return server_credentials(site.tls, site.certificates if listener.callers == "certificates" else None)


def _add(server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None) -> str:
    try:
        if credentials is None:
            port = server.add_insecure_port(address)
        else:
            port = server.add_secure_port(address, credentials)
    except RuntimeError as error:
        why = "something else does, or it is no address of this machine; stop that, or choose another"
        message = f"can't listen on {address}: {why}"
        raise ListenError(message) from error
    return f"{address.rpartition(':')[0]}:{port}"
