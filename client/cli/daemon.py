"""`tunewright daemon`: the daemon in the foreground."""

import ipaddress
import os
import sys
from pathlib import Path

import click

from tunewright.client import places
from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError


@click.command(epilog="Example: tunewright daemon --listen 127.0.0.1:7070")
@click.option("--listen", metavar="HOST:PORT", help="Listen on this loopback address beside the Unix socket.")
@click.option(
    "--home", metavar="DIR", type=click.Path(file_okay=False), help="Folder of store and artifacts (TUNEWRIGHT_HOME)."
)
@click.option("--export", metavar="DIR", help="Write the whole store as JSON lines into DIR instead, and end.")
def command(listen: str | None, home: str | None, export: str | None) -> int:
    """Run the daemon in the foreground until Ctrl-C; runs and services go on without it.

    It listens on a Unix socket in its home. Addresses that other machines reach are refused: there is no access
    control yet.
    """
    chosen = str(Path(home).absolute() if home else places.home())
    arguments = [sys.executable, "-P", "-m", "tunewright.daemon", "--home", chosen]
    if export is not None:
        arguments += ["--export", str(Path(export).absolute())]
    if listen is not None:
        arguments += ["--listen", loopback(listen)]
    sys.stdout.flush()
    # In place of this process, so that signals and exit code are the daemon's own.
    os.execve(sys.executable, arguments, {**os.environ, "TUNEWRIGHT_HOME": chosen})  # noqa: S606


def loopback(address: str) -> str:
    """Return HOST:PORT when only this machine reaches it; raise CommandError otherwise."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise CommandError(f"`{address}` is not HOST:PORT", help="such as 127.0.0.1:7070", code=exits.USAGE)
    bare = host.removeprefix("[").removesuffix("]")
    try:
        is_loopback = bare == "localhost" or ipaddress.ip_address(bare).is_loopback
    except ValueError:
        is_loopback = False
    if not is_loopback:
        raise CommandError(
            f"`{host}` is not a loopback address; there is no access control yet, so other machines are kept out",
            help="use 127.0.0.1, and a tunnel (ssh -L) from elsewhere",
            code=exits.USAGE,
        )
    return address
