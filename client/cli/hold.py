"""`tunewright hold`: keep a run or an artifact whatever its age."""

import re
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.screen import remark, show, show_json
from tunewright.client.cli.view.lists import holds_table

if TYPE_CHECKING:
    from tunewright.client.api import Client

_DIGEST = re.compile(r"(sha256:)?[0-9a-f]{6,64}")
_reason = click.option("--reason", required=True, metavar="TEXT", help="Why; it is kept with the hold.")
_subject = click.argument("subject", metavar="RUN|DIGEST")


@click.group(epilog='Example: tunewright hold add 20261121-225549-ab12 --reason "case 17"')
def command() -> None:
    """Keep a run with all it used and left, or one artifact, from being collected."""


@command.command("add", epilog='Example: tunewright hold add 20261121-225549-ab12 --reason "case 17"')
@_subject
@_reason
@daemon_option
def add(subject: str, reason: str, target: str | None) -> int:
    """Hold a run (by its id) or an artifact (by its digest)."""
    with opened(target) as client:
        held = client.hold(_name(subject, client), reason=reason)
    remark(f"held: {held.subject} ({held.reason})")
    return exits.OK


@command.command("release", epilog='Example: tunewright hold release 20261121-225549-ab12 --reason "case closed"')
@_subject
@_reason
@daemon_option
def release(subject: str, reason: str, target: str | None) -> int:
    """Release a hold; the record of it stays."""
    with opened(target) as client:
        released = client.release(_name(subject, client), reason=reason)
    remark(f"released: {released.subject}")
    return exits.OK


@command.command("list", epilog="Example: tunewright hold list --released")
@click.option("--released", is_flag=True, help="Also those that were released.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@daemon_option
def list_holds(released: bool, as_json: bool, target: str | None) -> int:
    """List holds, newest first."""
    with opened(target) as client:
        found = list(client.holds(released=released))
    if as_json:
        show_json({"holds": [asdict(item) for item in found]})
    else:
        show(holds_table(found), end="")
    return exits.OK


def _name(subject: str, client: "Client") -> str:
    """A run's id has dashes, a digest has none."""
    if _DIGEST.fullmatch(subject):
        return f"artifacts/{client.get_artifact(subject).digest.removeprefix('sha256:')}"
    return f"runs/{subject}"
