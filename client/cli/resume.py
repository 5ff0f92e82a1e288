"""`tunewright resume`: go on with a run that rests."""

import uuid
from dataclasses import asdict

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, started
from tunewright.client.cli.follow import told_so_far
from tunewright.client.cli.interrupt import Interrupts, follow_or_cancel
from tunewright.client.cli.person import who_asks
from tunewright.client.cli.screen import show, show_json

_SET_HELP = "Go on with another value; may be given several times."


@click.command(epilog="Example: tunewright resume 20261121-225549-ab12 --set learning_rate=5e-5")
@click.argument("run", metavar="RUN")
@click.option("--step", default="", metavar="NAME", help="The training step that --set is about, if not clear.")
@click.option("--set", "sets", multiple=True, metavar="SETTING=VALUE", help=_SET_HELP)
@click.option("--reason", default="", metavar="TEXT", help="Why, for the log.")
@click.option("--detach", is_flag=True, help="Print the run's id and leave it to the daemon.")
@click.option("--json", "as_json", is_flag=True, help="Print only the end, as JSON.")
@daemon_option
def command(
    run: str, step: str, sets: tuple[str, ...], reason: str, detach: bool, as_json: bool, target: str | None
) -> int:
    """Let the paused RUN go on from where it stopped, and follow it to the end.

    With --set a training step goes on from its last checkpoint with another learning_rate, max_grad_norm, watch,
    save_steps, save_total_limit or logging_steps: in a new run, whose plan and results say what was changed and from
    which checkpoint, so that they are never taken for those of an unchanged run. A failed or cancelled run can go on
    so, too.
    """
    with started(target) as client, Interrupts() as interrupts:
        with interrupts.held():
            goes_on = client.resume(
                run, step=step, sets=sets, by=who_asks(), reason=reason, request_id=uuid.uuid4().hex
            )
        if not detach:
            plan, told = client.get_run(goes_on.id).plan, told_so_far(client, goes_on)
            return follow_or_cancel(client, goes_on, plan, interrupts, as_json=as_json, told=told)
    if as_json:
        show_json(asdict(goes_on))
    else:
        show(goes_on.id)
    return exits.OK
