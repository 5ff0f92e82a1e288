"""`tunewright stop`: end a service, all of them, or the daemon."""

import time
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import connected, opened
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.screen import show, show_json
from tunewright.client.cli.view.lists import stopped_sentence

if TYPE_CHECKING:
    from tunewright.client.api import Client
    from tunewright.client.values import Deployment

_ENDED = ("stopped", "failed")
_PATIENCE_SECONDS = 60.0
_POLL_SECONDS = 0.1


@click.command(epilog="Example: tunewright stop support-assistant-serve")
@click.argument("name", default="", metavar="[NAME]")
@click.option("--all", "everything", is_flag=True, help="Stop every service.")
@click.option("--daemon", "the_daemon", is_flag=True, help="Stop the daemon; runs and services go on without it.")
@click.option("--now", is_flag=True, help="Kill at once instead of letting requests finish.")
@click.option("--json", "as_json", is_flag=True, help="Print what was stopped as JSON.")
def command(name: str, everything: bool, the_daemon: bool, now: bool, as_json: bool) -> int:
    """Stop the service NAME (or those of the spec NAME; see `tunewright deployments`), all services, or the daemon."""
    if (bool(name) + everything + the_daemon) != 1:
        raise click.UsageError("say what to stop: one of NAME, --all, --daemon")
    with (connected if the_daemon else opened)(None) as client:
        if the_daemon:
            client.shutdown()
            show("the daemon stops; runs and services go on, and the next daemon takes them up again")
            return exits.OK
        chosen = [item.id for item in client.deployments() if everything or name in (item.id, item.spec_name)]
        names = chosen if chosen or everything else [name]  # the daemon says that there is no such service
        stopped = [_stop(client, each, "now" if now else "graceful") for each in names]
    if as_json:
        show_json({"stopped": [asdict(item) for item in stopped]})
    else:
        show(stopped_sentence(stopped))
    return exits.OK


def _stop(client: "Client", name: str, mode: str) -> "Deployment":
    deployment = client.stop_deployment(name, mode=mode)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while deployment.state not in _ENDED:
        if time.monotonic() > deadline:
            raise CommandError(
                f"{name} has not ended after {_PATIENCE_SECONDS:.0f} s", help=f"tunewright stop {name} --now"
            )
        time.sleep(_POLL_SECONDS)
        deployment = client.get_deployment(name)
    return deployment
