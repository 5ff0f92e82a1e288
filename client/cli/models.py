"""`tunewright models`: the models and adapters that were made, and where they lie."""

from dataclasses import asdict

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.screen import show, show_json
from tunewright.client.cli.view.lists import models_table
from tunewright.client.values import Artifact


@click.command(epilog="Example: tunewright models --spec support-assistant")
@click.option("--spec", "spec_name", metavar="NAME", default="", help="Only models of the spec of this name.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@daemon_option
def command(spec_name: str, as_json: bool, target: str | None) -> int:
    """List models and adapters, newest first, each once, with its folder."""
    with opened(target) as client:
        made = [item for role in ("model", "adapter") for item in client.artifacts(role=role, spec_name=spec_name)]
    found = newest_once(made)
    if as_json:
        show_json({"models": [asdict(item) for item in found]})
    else:
        show(models_table(found), end="")
    return exits.OK


def newest_once(made: list[Artifact]) -> list[Artifact]:
    """Return each digest once (its newest making), newest first."""
    ordered = sorted(made, key=lambda item: item.create_time.timestamp() if item.create_time else 0.0)
    return list(reversed({item.digest: item for item in ordered}.values()))
