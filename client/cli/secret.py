"""`tunewright secret`: tokens and keys that specs refer to, one file each, readable by this user alone."""

import os
import re
import sys
from pathlib import Path

import click

from tunewright.client import places
from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.screen import is_terminal, remark, show, show_json
from tunewright.spec.access import is_project

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_MAX_BYTES = 64 * 1024
_PROJECT = click.option(
    "--project", default="", metavar="NAME", envvar="TUNEWRIGHT_PROJECT", help="For the runs of this project."
)


@click.group(epilog="Example: tunewright secret set HUB_TOKEN < token.txt")
def command() -> None:
    """Keep tokens and keys that specs refer to as ${secret:NAME}."""


@command.command("set", epilog="Example: tunewright secret set HUB_TOKEN < token.txt")
@click.argument("name", metavar="NAME")
@_PROJECT
def set_secret(name: str, project: str) -> int:
    """Keep standard input as NAME (asked for, unseen, on a terminal). One line end at its end is dropped."""
    path = _path(name, project)
    value = _value(name)
    if not value:
        raise CommandError(f"nothing was given for `{name}`; the old value, if any, is kept", code=exits.USAGE)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.parent.chmod(0o700)
    aside = path.with_name(f".{name}.{os.getpid()}.tmp")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(value)
    aside.replace(path)
    remark(f"kept {name}")
    return exits.OK


@command.command("list", epilog="Example: tunewright secret list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@_PROJECT
def list_secrets(as_json: bool, project: str) -> int:
    """List the names that are kept; values are never shown."""
    names = places.secret_names(_checked(project))
    if as_json:
        show_json({"secrets": names})
    else:
        show("\n".join(names) if names else "no secrets")
    return exits.OK


@command.command("remove", epilog="Example: tunewright secret remove HUB_TOKEN")
@click.argument("name", metavar="NAME")
@_PROJECT
def remove_secret(name: str, project: str) -> int:
    """Forget NAME."""
    try:
        _path(name, project).unlink()
    except FileNotFoundError:
        raise CommandError(f"there is no secret `{name}`", help="`tunewright secret list` shows the names") from None
    remark(f"removed {name}")
    return exits.OK


def _path(name: str, project: str) -> Path:
    if not _NAME.fullmatch(name):
        raise CommandError(
            f"`{name}` is not a name of a secret", help="letters, digits and `_`, at most 64", code=exits.USAGE
        )
    return places.secrets(_checked(project)) / name


def _checked(project: str) -> str:
    if project and not is_project(project):
        help_text = "lower-case letters, digits and `-`, at most 63"
        raise CommandError(f"`{project}` can't name a project", help=help_text, code=exits.USAGE)
    return project


def _value(name: str) -> bytes:
    if is_terminal(sys.stdin):
        return str(click.prompt(name, hide_input=True, err=True)).encode("utf-8")
    value = sys.stdin.buffer.read(_MAX_BYTES + 1)
    if len(value) > _MAX_BYTES:
        raise CommandError(f"a secret has at most {_MAX_BYTES} bytes", code=exits.USAGE)
    return value.removesuffix(b"\n").removesuffix(b"\r")
