"""`tunewright access log`."""

from dataclasses import asdict
from itertools import islice

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import connected, daemon_option
from tunewright.client.cli.screen import show, show_json


@click.command(epilog="Example: tunewright access log --last 20")
@click.option("--last", type=click.IntRange(1), default=50, show_default=True, metavar="N", help="How many entries.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@daemon_option
def command(last: int, as_json: bool, target: str | None) -> int:
    """Show who was kept out and why, and what changed about access, newest first."""
    with connected(target) as client:
        found = list(islice(client.access_events(), last))
    if as_json:
        show_json({"events": [asdict(event) for event in found]})
        return exits.OK
    for event in found:
        what = f"{event.reason} {event.method}" if event.method else " ".join(map(str, event.body.values()))
        show(f"{event.time:%Y-%m-%d %H:%M:%S}  {event.kind}  {event.actor or event.peer}  {what}")
    return exits.OK
