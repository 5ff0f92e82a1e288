"""`tunewright queue`: who waits for the machine, and who has it."""

from dataclasses import asdict

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.screen import show, show_json
from tunewright.client.cli.view.queue import queue_text


@click.command(epilog="Example: tunewright queue")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@daemon_option
def command(as_json: bool, target: str | None) -> int:
    """Show who has the machine and who waits for it, in order, and why.

    Runs of projects that you may not see are counted only.
    """
    with opened(target) as client:
        found = client.queue()
    if as_json:
        show_json(asdict(found))
    else:
        show(queue_text(found), end="")
    return exits.OK
