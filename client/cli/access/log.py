"""`tunewright access log`."""

from collections.abc import Iterable
from dataclasses import asdict
from itertools import islice

import click

from tunewright.client.access_values import AccessEvent
from tunewright.client.cli import exits
from tunewright.client.cli.connection import connected, daemon_option
from tunewright.client.cli.screen import show, show_json
from tunewright.client.machine_values import MachineEvent


@click.command(epilog="Example: tunewright access log --last 20")
@click.option("--last", type=click.IntRange(1), default=50, show_default=True, metavar="N", help="How many entries.")
@click.option("--machine", is_flag=True, help="Show what happened to the machine: its devices, and maintenance.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@daemon_option
def command(last: int, machine: bool, as_json: bool, target: str | None) -> int:
    """Show who was kept out and why, and what changed about access, newest first."""
    with connected(target) as client:
        events: Iterable[AccessEvent | MachineEvent] = client.machine_events() if machine else client.access_events()
        found = list(islice(events, last))
    if as_json:
        show_json({"events": [asdict(event) for event in found]})
        return exits.OK
    for event in found:
        show(f"{event.time:%Y-%m-%d %H:%M:%S}  {event.kind}  {_line(event)}")
    return exits.OK


def _line(event: AccessEvent | MachineEvent) -> str:
    if isinstance(event, MachineEvent):
        return "  ".join(word for word in (event.actor, event.subject, event.reason) if word)
    what = f"{event.reason} {event.method}" if event.method else " ".join(map(str, event.body.values()))
    return f"{event.actor or event.peer}  {what}"
