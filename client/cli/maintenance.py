"""`tunewright daemon status`, `drain` and `undrain`: how a daemon is, and maintenance of its machine."""

import time
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import connected, daemon_option
from tunewright.client.cli.screen import remark, show, show_json
from tunewright.client.cli.view.machine import maintenance_sentence, status_text

if TYPE_CHECKING:
    from tunewright.client.machine_values import Maintenance

_POLL_SECONDS = 0.2
_MAX_SECONDS = 2**32 - 1


@click.command(epilog="Example: tunewright daemon status")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@daemon_option
@click.pass_obj
def status(home: str, as_json: bool, target: str | None) -> int:
    """Say who answers, what runs, and whether the machine is in maintenance."""
    with connected(_target(home, target)) as client:
        found = client.server_info()
    if as_json:
        show_json(asdict(found))
    else:
        show(status_text(found), end="")
    return exits.OK


@click.command(epilog='Example: tunewright daemon drain --checkpoint --wait --reason "new driver"')
@click.option("--reason", default="", metavar="TEXT", help="Why; people whose runs wait are told.")
@click.option("--checkpoint", is_flag=True, help="Ask steps that run to stop at their next checkpoint.")
@click.option("--deadline", metavar="DURATION", help="Ask that of those that still run after so long, such as 2h.")
@click.option("--wait", is_flag=True, help="Return when no step runs any more.")
@daemon_option
@click.pass_obj
def drain(home: str, reason: str, checkpoint: bool, deadline: str | None, wait: bool, target: str | None) -> int:
    """Let no step begin until `tunewright daemon undrain`.

    Steps that run come to their end; runs can be submitted, and wait; services stay. It lasts over restarts of the
    daemon. Again with other options it changes what holds.
    """
    seconds = 0 if deadline is None else _seconds(deadline)
    with connected(_target(home, target)) as client:
        begun = client.drain(reason=reason, checkpoint=checkpoint, deadline_seconds=seconds)
        show(maintenance_sentence(begun))
        left: Maintenance | None = begun
        while wait and left is not None and left.running_steps:
            time.sleep(_POLL_SECONDS)
            left = client.server_info().maintenance
    if wait:
        show("no step runs" if left is not None else "maintenance has ended meanwhile")
    elif begun.running_steps:
        remark("`tunewright daemon drain --wait` returns when they have ended")
    return exits.OK


@click.command(epilog="Example: tunewright daemon undrain")
@daemon_option
@click.pass_obj
def undrain(home: str, target: str | None) -> int:
    """End maintenance: what waits begins."""
    with connected(_target(home, target)) as client:
        lasted = client.server_info().maintenance is not None
        client.undrain()
    show("steps begin again" if lasted else "there was no maintenance; steps begin as before")
    return exits.OK


def _target(home: str, target: str | None) -> str | None:
    """Return which daemon is meant: a home that is named on the command line has its own."""
    from tunewright.client import places
    from tunewright.client.local import socket_target

    return target if target or home == str(places.home()) else socket_target(Path(home))


def _seconds(text: str) -> int:
    from tunewright.spec.model.section import parse_duration

    seconds = parse_duration(text)
    if seconds is None or not 1 <= seconds <= _MAX_SECONDS:
        raise click.BadParameter(f"`{text}` is no duration; write it like 30m or 2h", param_hint="--deadline")
    return round(seconds)
