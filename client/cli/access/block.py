"""`tunewright access block`."""

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import connected, daemon_option
from tunewright.client.cli.screen import remark, show


@click.command(epilog="Example: tunewright access block anna --reason 'laptop lost'")
@click.argument("subject", required=False, metavar="[SUBJECT]")
@click.option("--reason", default="", metavar="TEXT", help="Why, for those who read the log.")
@daemon_option
def command(subject: str | None, reason: str, target: str | None) -> int:
    """Let nobody called SUBJECT in any more, by certificate, token or issuer; without SUBJECT, list who is blocked."""
    with connected(target) as client:
        if subject is not None:
            client.block(subject, reason=reason)
            remark(f"{subject} is blocked; let them in again: tunewright access unblock {subject}")
            return exits.OK
        blocked = tuple(client.blocked())
        for found in blocked:
            show(f"{found.subject}  since {found.create_time:%Y-%m-%d %H:%M} UTC by {found.created_by}  {found.reason}")
        if not blocked:
            remark("nobody is blocked")
    return exits.OK
