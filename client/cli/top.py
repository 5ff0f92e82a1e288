"""`tunewright top`: a daemon as a whole, on one screen."""

import sys
from typing import TYPE_CHECKING

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.screen import is_terminal, show, width

if TYPE_CHECKING:
    from tunewright.client.api import Client


@click.command(epilog="Example: tunewright top --interval 5")
@click.option("--once", is_flag=True, help="Print what there is now, as text, and end; so it is in a pipe.")
@click.option(
    "--interval",
    metavar="SECONDS",
    type=click.FloatRange(min=0.2),
    default=2.0,
    show_default=True,
    help="Look so often.",
)
@daemon_option
def command(once: bool, interval: float, target: str | None) -> int:
    """Show what runs, what waits, devices and services, and keep it up to date. q or Ctrl-C leaves."""
    with opened(target) as client:
        if once or not is_terminal(sys.stdout):
            return show_once(client)
        from tunewright.client.cli.full_screen import keep_showing

        keep_showing(client, interval)
    return exits.OK


def show_once(client: "Client") -> int:
    """Print one view; its lines may be longer than a screen where nobody looks at one."""
    from tunewright.client.cli.snapshots import Snapshots
    from tunewright.client.cli.view.top import top_text

    columns = width() if is_terminal(sys.stdout) else 10_000
    show(top_text(Snapshots(client).take(), columns=columns))
    return exits.OK
