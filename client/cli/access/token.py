"""`tunewright access token`: bearer tokens of a daemon."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import click

from tunewright.client.cli import exits
from tunewright.client.cli.access.grants import grant_option, read_grants
from tunewright.client.cli.connection import connected, daemon_option
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.screen import remark, show, show_json


@click.group(epilog="Example: tunewright access token create ci --grant support:submitter --out ci.token")
def command() -> None:
    """Make, list and revoke tokens. A token is whoever has it: hand it over by a file, never on a command line."""


@command.command("create", epilog="Example: tunewright access token create ci --grant support:submitter --out ci.token")
@click.argument("subject", metavar="SUBJECT")
@grant_option
@click.option("--days", type=click.FloatRange(0, 366, min_open=True), default=30.0, show_default=True)
@click.option("--out", metavar="FILE", help="Write the token into a new FILE that only you can read.")
@click.option("--bind", metavar="CERT", help="Let it count only beside the certificate in the file CERT.")
@daemon_option
def create(
    subject: str, grants: tuple[str, ...], days: float, out: str | None, bind: str | None, target: str | None
) -> int:
    """Make a token for SUBJECT, the name that logs will know. It is shown this once and kept nowhere."""
    wanted = read_grants(grants)
    if out is not None and Path(out).exists():
        raise CommandError(f"{out} is there already", help="choose another --out", code=exits.USAGE)
    certificate = "" if bind is None else _fingerprint(Path(bind))
    with connected(target) as client, _kept(out) as keep:
        token, secret = client.create_token(subject, wanted, days=days, certificate=certificate)
        keep(secret)
    until = "" if token.expire_time is None else f" until {token.expire_time:%Y-%m-%d}"
    remark(f"token {token.id} for {subject}{until}; revoke it: tunewright access token revoke {token.id}")
    return exits.OK


@contextmanager
def _kept(out: str | None) -> Iterator[Callable[[str], None]]:
    """Yield what shows or writes a token. The file is made first: a token that nobody can have must not be made."""
    if out is None:
        yield show
        return
    with os.fdopen(os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        try:
            yield lambda secret: print(secret, file=stream)  # noqa: T201
        except BaseException:
            Path(out).unlink(missing_ok=True)
            raise


def _fingerprint(path: Path) -> str:
    """Return the SHA-256 of the first certificate in a PEM file; raise CommandError where there is none."""
    import hashlib
    import re
    import ssl

    from tunewright.client.credentials import read

    found = re.search(
        r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", read(path).decode("ascii", "replace"), re.DOTALL
    )
    try:
        if found is not None:
            return hashlib.sha256(ssl.PEM_cert_to_DER_cert(found.group())).hexdigest()
    except ValueError:
        pass
    raise CommandError(f"{path} holds no certificate", help="--bind names the caller's certificate (PEM)")


@command.command("list", epilog="Example: tunewright access token list --all")
@click.option("--all", "ended", is_flag=True, help="Also those that are revoked or have expired.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@daemon_option
def list_tokens(ended: bool, as_json: bool, target: str | None) -> int:
    """List tokens, newest first; secrets are kept nowhere."""
    with connected(target) as client:
        found = list(client.tokens(ended=ended))
    if as_json:
        show_json({"tokens": [asdict(token) for token in found]})
        return exits.OK
    for token in found:
        grants = ", ".join(map(str, token.grants))
        end = token.revoke_time or token.expire_time
        word = "revoked" if token.revoke_time else "until"
        bound = f"  bound to certificate {token.certificate[:12]}" if token.certificate else ""
        show(f"{token.id}  {token.subject}  {grants}  {word} {end:%Y-%m-%d}  by {token.created_by}{bound}")
    if not found:
        show("no tokens")
    return exits.OK


@command.command("revoke", epilog="Example: tunewright access token revoke 3f9a2c51d0b7")
@click.argument("token", metavar="ID")
@daemon_option
def revoke(token: str, target: str | None) -> int:
    """Revoke a token; what it is used for ends within five seconds."""
    with connected(target) as client:
        found = client.revoke_token(token)
    remark(f"revoked the token of {found.subject}")
    return exits.OK
