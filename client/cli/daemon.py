"""`tunewright daemon`: the daemon in the foreground."""

import os
import sys
from pathlib import Path

import click

from tunewright.client import places


@click.command(epilog="Example: tunewright daemon --access /etc/tunewright/access.yaml")
@click.option("--listen", metavar="HOST:PORT", help="Listen on this loopback address beside the Unix socket.")
@click.option("--anonymous", is_flag=True, help="With --listen: callers there need no token. Any user of this machine!")
@click.option("--access", metavar="FILE", help="Who may call, from where, and do what (default: access.yaml in HOME).")
@click.option("--policy", metavar="FILE", help="Hold every spec to this policy.")
@click.option(
    "--home", metavar="DIR", type=click.Path(file_okay=False), help="Folder of store and artifacts (TUNEWRIGHT_HOME)."
)
@click.option("--export", metavar="DIR", help="Write the whole store as JSON lines into DIR instead, and end.")
def command(
    listen: str | None, anonymous: bool, access: str | None, policy: str | None, home: str | None, export: str | None
) -> int:
    """Run the daemon in the foreground until Ctrl-C; runs and services go on without it.

    It listens on a Unix socket in its home. Addresses that other machines reach take an access file with certificates
    or tokens (docs/access.md).
    """
    chosen = str(Path(home).absolute() if home else places.home())
    arguments = [sys.executable, "-P", "-m", "tunewright.daemon", "--home", chosen]
    for name, path in (("--export", export), ("--access", access), ("--policy", policy)):
        if path is not None:
            arguments += [name, str(Path(path).absolute())]
    if listen is not None:
        arguments += ["--listen", listen]
    if anonymous:
        arguments.append("--anonymous")
    sys.stdout.flush()
    # In place of this process, so that signals and exit code are the daemon's own.
    os.execve(sys.executable, arguments, {**os.environ, "TUNEWRIGHT_HOME": chosen})  # noqa: S606
