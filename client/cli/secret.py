"""`tunewright secret`: tokens and keys that specs refer to."""

import re
import sys
from typing import Any

import click

from tunewright.client import secret_store
from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.screen import is_terminal, remark, show, show_json
from tunewright.client.secret_store import SecretStoreError
from tunewright.spec.access import is_project

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_MAX_BYTES = 64 * 1024
_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_PROJECT = click.option(
    "--project", default="", metavar="NAME", envvar="TUNEWRIGHT_PROJECT", help="For the runs of this project."
)


@click.group(epilog="Example: tunewright secret set HUB_TOKEN < token.txt")
def command() -> None:
    """Keep tokens and keys that specs refer to as ${secret:NAME}.

    They lie in the home, one file each, or where secrets.yaml in the home says (docs/secrets.md).
    """


@command.command("set", epilog="Example: tunewright secret set HUB_TOKEN < token.txt")
@click.argument("name", metavar="NAME")
@click.option("--file", "file", metavar="FILE", type=click.File("rb"), help="Take the value from FILE.")
@_PROJECT
def set_secret(name: str, file: Any, project: str) -> int:
    """Keep standard input as NAME (asked for, unseen, on a terminal). One line end at its end is dropped.

    A value is never an argument: others could read it in the list of processes.
    """
    _check(name, project)
    value = _value(name, file)
    if not value:
        raise CommandError(f"nothing was given for `{name}`; the old value, if any, is kept", code=exits.USAGE)
    kept = _ask("set", name=name, project=project, value=value)
    if "key_file" in kept:
        remark(f"made the key file {kept['key_file']}: keep a copy of it, apart from backups of the home")
    remark(f"kept {name}")
    return exits.OK


@command.command("list", epilog="Example: tunewright secret list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@_PROJECT
def list_secrets(as_json: bool, project: str) -> int:
    """List names, where each comes from, and how old it is; values are never shown."""
    _check("", project)
    found = _ask("list", project=project)
    if as_json:
        show_json(found)
        return exits.OK
    rows = found["secrets"]
    width = max((len(row["name"]) for row in rows), default=0)
    for row in rows:
        show(f"{row['name']:{width}}  {row['provider']}  {_age(row['age_seconds'])}".rstrip())
    if not rows:
        show("no secrets")
    if "command" in found["providers"]:
        remark("note: a command is asked too, by name only")
    return exits.OK


@command.command("remove", epilog="Example: tunewright secret remove HUB_TOKEN")
@click.argument("name", metavar="NAME")
@_PROJECT
def remove_secret(name: str, project: str) -> int:
    """Forget NAME."""
    _check(name, project)
    if not _ask("remove", name=name, project=project)["removed"]:
        raise CommandError(f"there is no secret `{name}`", help="`tunewright secret list` shows the names")
    remark(f"removed {name}")
    return exits.OK


@command.command("rotate-key", epilog="Example: tunewright secret rotate-key")
def rotate_key() -> int:
    """Make a new key for the encrypted store and seal every secret with it; the old key opens nothing any more."""
    done = _ask("rotate-key")
    remark(f"sealed {done['secrets']} secrets with a new key in {done['key_file']}: keep a copy of that file")
    return exits.OK


def _ask(verb: str, *, name: str = "", project: str = "", value: bytes = b"") -> dict[str, Any]:
    try:
        return secret_store.ask(verb, name=name, project=project, value=value)
    except SecretStoreError as error:
        raise CommandError(str(error), help=error.help) from None


def _check(name: str, project: str) -> None:
    if name and not _NAME.fullmatch(name):
        raise CommandError(
            f"`{name}` is not a name of a secret", help="letters, digits and `_`, at most 64", code=exits.USAGE
        )
    if project and not is_project(project):
        help_text = "lower-case letters, digits and `-`, at most 63"
        raise CommandError(f"`{project}` can't name a project", help=help_text, code=exits.USAGE)


def _value(name: str, file: Any) -> bytes:
    if file is None and is_terminal(sys.stdin):
        return str(click.prompt(name, hide_input=True, err=True)).encode("utf-8")
    value: bytes = (file or sys.stdin.buffer).read(_MAX_BYTES + 1)
    if len(value) > _MAX_BYTES:
        raise CommandError(f"a secret has at most {_MAX_BYTES} bytes", code=exits.USAGE)
    return value.removesuffix(b"\n").removesuffix(b"\r")


def _age(seconds: int | None) -> str:
    if seconds is None:
        return ""
    size, unit = next(((size, unit) for size, unit in _UNITS if seconds >= size), (1, "s"))
    return f"{seconds // size} {unit}"
