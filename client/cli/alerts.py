"""`tunewright alerts`: what was told, what waits to be told, and where it goes."""

from dataclasses import asdict

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.screen import remark, show, show_json
from tunewright.client.cli.view.alerts import alerts_table, sinks_table

_json = click.option("--json", "as_json", is_flag=True, help="Print as JSON.")


@click.group(invoke_without_command=True, epilog="Example: tunewright alerts --all --run 20261121-225549-ab12")
@click.option("--all", "everything", is_flag=True, help="Also those that were delivered.")
@click.option("--run", default="", metavar="RUN", help="Only those of a run.")
@click.option("--sink", default="", metavar="SINK", help="Only those to a sink.")
@_json
@daemon_option
@click.pass_context
def command(
    context: click.Context, everything: bool, run: str, sink: str, as_json: bool, target: str | None
) -> int | None:
    """List alerts that wait or were given up, newest first, with the reasons.

    What is told to whom is written in specs (`alerts`) and in the daemon's alerts.yaml (docs/alerts.md).
    """
    if context.invoked_subcommand is not None:
        return None
    with opened(target) as client:
        found = list(client.alerts(states=() if everything else ("pending", "dead"), run=run, sink=sink))
    if as_json:
        show_json({"alerts": [asdict(item) for item in found]})
    else:
        show(alerts_table(found), end="")
    return exits.OK


@command.command("sinks", epilog="Example: tunewright alerts sinks")
@_json
@daemon_option
def sinks(as_json: bool, target: str | None) -> int:
    """List the names that rules of `alerts` can use."""
    with opened(target) as client:
        found = client.alert_sinks()
    if as_json:
        show_json({"sinks": [asdict(item) for item in found]})
    else:
        show(sinks_table(found), end="")
    return exits.OK


@command.command("retry", epilog="Example: tunewright alerts retry alert_9b2fd41c07aa35e8d1c4f602")
@click.argument("alert", metavar="ALERT")
@daemon_option
def retry(alert: str, target: str | None) -> int:
    """Try an alert now that was given up, or waits for its next try."""
    with opened(target) as client:
        found = client.retry_alert(alert)
    remark("it was delivered before" if found.state == "delivered" else f"tried again: {found.sink}: {found.message}")
    return exits.OK


@command.command("test", epilog="Example: tunewright alerts test oncall")
@click.argument("sink", metavar="SINK")
@daemon_option
def test(sink: str, target: str | None) -> int:
    """Send a test to a sink and say what came of it."""
    with opened(target) as client:
        found = client.test_alert_sink(sink)
    if found.state == "delivered":
        remark(f"{sink} has taken it ({found.id})")
        return exits.OK
    remark(f"error: {sink} has not taken it: {found.problem}")
    return exits.FAILED
