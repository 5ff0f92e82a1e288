"""`tunewright access ca`."""

import click

from tunewright.client.cli import exits
from tunewright.client.cli.access.folder import authority_option, opened_authority
from tunewright.client.cli.screen import remark


@click.command(epilog="Example: tunewright access ca --authority ./authority --name 'Support lab'")
@authority_option
@click.option("--name", default="Tunewright", show_default=True, metavar="TEXT", help="Whose authority it is.")
def command(folder: str | None, name: str) -> int:
    """Make a small certificate authority. Keep its folder where only those who decide about access can read it."""
    with opened_authority(folder) as authority:
        authority.create(name)
        remark(f"made an authority in {authority.folder}; give {authority.certificate_file} to everybody,")
        remark(f"{authority.revoked_file} to the daemon, and {authority.folder / 'ca.key'} to nobody")
    return exits.OK
