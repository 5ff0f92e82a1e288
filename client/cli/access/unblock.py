"""`tunewright access unblock`."""

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import connected, daemon_option
from tunewright.client.cli.screen import remark


@click.command(epilog="Example: tunewright access unblock anna")
@click.argument("subject", metavar="SUBJECT")
@daemon_option
def command(subject: str, target: str | None) -> int:
    """Let SUBJECT in again."""
    with connected(target) as client:
        client.unblock(subject)
    remark(f"{subject} is let in again")
    return exits.OK
