"""`tunewright schema`: the language as JSON Schema."""

from pathlib import Path

import click

from tunewright.client.cli import exits
from tunewright.client.cli.screen import show


@click.command(epilog="Example: tunewright schema --out life.schema.json")
@click.option("--out", type=click.Path(dir_okay=False), metavar="FILE", help="Write to FILE instead.")
def command(out: str | None) -> int:
    """Print the JSON Schema of life.yaml (draft-07), for editors and other checkers."""
    from tunewright.spec.jsonschema import schema_text

    if out is None:
        show(schema_text(), end="")
    else:
        Path(out).write_text(schema_text(), encoding="utf-8")
    return exits.OK
