"""`tunewright access whoami`."""

from datetime import UTC, datetime, timedelta

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import connected, daemon_option
from tunewright.client.cli.screen import show, show_json
from tunewright.compiler.render.quantities import duration

_SOON = timedelta(days=7)


@click.command(epilog="Example: tunewright access whoami --daemon gpu1:7419 --token-file token.txt --ca ca.pem")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@daemon_option
def command(as_json: bool, target: str | None) -> int:
    """Show who the daemon takes you for, what proved it, and what you may do where."""
    with connected(target) as client:
        found = client.who_am_i()
    if as_json:
        from dataclasses import asdict

        show_json(asdict(found))
        return exits.OK
    until = "" if found.expire_time is None else f", until {found.expire_time:%Y-%m-%d %H:%M} UTC"
    show(f"{found.subject}  (by {found.authentication}{until})")
    for grant in found.grants:
        where = "every project" if grant.project == "*" else f"project {grant.project}"
        show(f"  {grant.role} in {where}")
    if found.expire_time is not None and (left := found.expire_time - datetime.now(tz=UTC)) < _SOON:
        show(f"  warning: this credential ends in {duration(left.total_seconds())}: get a new one before that")
    if not found.grants:
        show("  no role anywhere: ask who administers the daemon")
    return exits.OK
