"""`tunewright devices`: accelerators, who has them, and those that are kept out."""

from dataclasses import asdict

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.screen import remark, show, show_json
from tunewright.client.cli.view.machine import devices_table


@click.group(invoke_without_command=True, epilog="Example: tunewright devices")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@daemon_option
@click.pass_context
def command(context: click.Context, as_json: bool, target: str | None) -> int | None:
    """List accelerators: free, leased, settling, foreign (somebody else's process), quarantined or missing.

    Only free ones are given to steps (docs/machine.md).
    """
    if context.invoked_subcommand is not None:
        return None
    with opened(target) as client:
        found = client.devices()
    if as_json:
        show_json({"devices": [asdict(item) for item in found]})
    else:
        show(devices_table(found), end="")
    return exits.OK


@command.command("release", epilog='Example: tunewright devices release GPU-5f3a --reason "driver reloaded"')
@click.argument("device", metavar="UUID")
@click.option("--reason", required=True, metavar="TEXT", help="Why it may be used again; it is kept.")
@daemon_option
def release(device: str, reason: str, target: str | None) -> int:
    """Take a device out of quarantine. The beginning of its UUID is enough."""
    with opened(target) as client:
        fitting = [item.uuid for item in client.devices() if item.uuid.startswith(device)]
        released = client.release_device(fitting[0] if len(fitting) == 1 else device, reason=reason)
    remark(f"{released.uuid} may be used again")
    return exits.OK
