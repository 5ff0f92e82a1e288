"""`tunewright gc`: remove what nothing keeps any more."""

from dataclasses import asdict

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, opened
from tunewright.client.cli.screen import remark, show, show_json
from tunewright.client.cli.view.lists import garbage_table
from tunewright.compiler.render.quantities import counted, size


@click.command(epilog="Example: tunewright gc --dry-run")
@click.option("--dry-run", is_flag=True, help="Only say what would go, and why.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@daemon_option
def command(dry_run: bool, as_json: bool, target: str | None) -> int:
    """Remove artifacts, checkpoints and logs that nothing keeps.

    How long they are kept stands in `retention.yaml` in the daemon's home. What is active, served, held or among the
    last runs of a spec always stays; so do the records of all runs.
    """
    with opened(target) as client:
        found = client.collect_garbage(validate_only=dry_run)
    if as_json:
        show_json(asdict(found))
        return exits.OK
    show(garbage_table(found.garbage), end="")
    kept = ", ".join(f"{name} {value}" for name, value in found.retention.items())
    verb = "would go" if dry_run else "have gone"
    remark(f"{counted(found.count, 'thing')}, {size(found.size_bytes)}, {verb}; retention: {kept}")
    return exits.OK
