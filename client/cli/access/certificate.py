"""`tunewright access certificate`: what the small authority issues."""

from dataclasses import asdict
from pathlib import Path

import click

from tunewright.client.cli import exits
from tunewright.client.cli.access.folder import authority_option, opened_authority
from tunewright.client.cli.access.grants import grant_option, read_grants
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.screen import remark, show, show_json
from tunewright.spec.access import is_subject

_OUT = click.option("--out", default=".", metavar="DIR", help="Where to put certificate and key (default: here).")


@click.group(epilog="Example: tunewright access certificate client anna --grant support:submitter --out anna")
def command() -> None:
    """Issue, list and revoke certificates of the small authority."""


@command.command("server", epilog="Example: tunewright access certificate server gpu1.example 10.0.0.5 --out tls")
@click.argument("names", nargs=-1, required=True, metavar="NAME...")
@authority_option
@click.option("--days", type=click.IntRange(1, 825), default=397, show_default=True)
@_OUT
def server(names: tuple[str, ...], folder: str | None, days: int, out: str) -> int:
    """Issue a daemon's certificate, for all the NAMEs and addresses that it is called by."""
    with opened_authority(folder) as authority:
        issued = authority.issue_server(names, days, Path(out))
    remark(f"wrote {Path(out) / 'server.pem'} and server.key, until {issued.not_after[:10]}")
    return exits.OK


@command.command("client", epilog="Example: tunewright access certificate client anna --grant support:submitter")
@click.argument("subject", metavar="SUBJECT")
@grant_option
@authority_option
@click.option("--days", type=click.IntRange(1, 397), default=90, show_default=True)
@_OUT
def client(subject: str, grants: tuple[str, ...], folder: str | None, days: int, out: str) -> int:
    """Issue the certificate of SUBJECT, the name that logs will know, with what it allows."""
    if not is_subject(subject):
        help_text = "letters, digits and `.@_-`, at most 128"
        raise CommandError(f"`{subject}` can't name anybody", help=help_text, code=exits.USAGE)
    wanted = read_grants(grants)
    with opened_authority(folder) as authority:
        issued = authority.issue_client(subject, [str(grant) for grant in wanted], days, Path(out))
    remark(f"wrote {Path(out) / subject}.pem and .key, until {issued.not_after[:10]}")
    return exits.OK


@command.command("list", epilog="Example: tunewright access certificate list")
@authority_option
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_certificates(folder: str | None, as_json: bool) -> int:
    """List what the authority has issued, oldest first."""
    with opened_authority(folder) as authority:
        found = authority.issued()
    if as_json:
        show_json({"certificates": [asdict(item) for item in found]})
        return exits.OK
    for item in found:
        end = f"revoked {item.revoked[:10]}" if item.revoked else f"until {item.not_after[:10]}"
        show(f"{item.serial}  {item.kind}  {item.subject}  {', '.join(item.grants)}  {end}")
    if not found:
        show("no certificates")
    return exits.OK


@command.command("revoke", epilog="Example: tunewright access certificate revoke anna")
@click.argument("what", metavar="SUBJECT|SERIAL")
@authority_option
def revoke(what: str, folder: str | None) -> int:
    """Revoke a certificate by its serial number, or all of a subject, and sign the list of revocations anew."""
    with opened_authority(folder) as authority:
        found = authority.revoke(what)
        remark(f"revoked {len(found)}; the daemon must get {authority.revoked_file}, if it does not read it there")
    return exits.OK


@command.command("renew-list", epilog="Example: tunewright access certificate renew-list")
@authority_option
def renew_list(folder: str | None) -> int:
    """Sign the list of revocations again: readers other than our daemon may ask that it is not older than a month."""
    with opened_authority(folder) as authority:
        authority.renew_list()
    return exits.OK
