"""Which daemon a command talks to: the one that is named, or that of this user's home."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tunewright.client import places

if TYPE_CHECKING:
    from tunewright.client.api import Client

Command = TypeVar("Command", bound=Callable[..., Any])


def daemon_option(command: Command) -> Command:
    """Add `--daemon`."""
    return click.option(
        "--daemon",
        "target",
        metavar="TARGET",
        envvar="TUNEWRIGHT_DAEMON",
        help="HOST:PORT or unix:PATH of the daemon (TUNEWRIGHT_DAEMON); default: this user's.",
    )(command)


def connected(target: str | None) -> "Client":
    """Return a client of the daemon that answers; raise UnreachableError where none does."""
    from tunewright.client.api import connect
    from tunewright.client.errors import UnreachableError
    from tunewright.client.local import socket_target

    if target is None and not (places.home() / "daemon.sock").exists():
        raise UnreachableError(f"no Tunewright daemon runs for {places.home()}", target="")
    client = connect(target or socket_target(places.home()))
    client.server_info(timeout_seconds=10.0)
    return client


def started(target: str | None) -> "Client":
    """Return a client of the daemon that is named, or of this user's, which is started where none answers."""
    if target is not None:
        return connected(target)
    from tunewright.client.local import ensure_daemon

    return ensure_daemon(places.home())


def opened(target: str | None) -> "Client":
    """Return a client that can tell what is there: a daemon is started where this user's home has a store to read."""
    return started(target) if target is not None or places.has_store() else connected(target)
