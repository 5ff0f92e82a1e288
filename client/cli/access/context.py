"""`tunewright access context`: names for daemons and what is shown to them."""

import re
from dataclasses import asdict, replace
from pathlib import Path

import click

from tunewright.client import places
from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.screen import remark, show, show_json

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")
_FILE = click.Path(exists=True, dir_okay=False)


@click.group(epilog="Example: tunewright access context set gpu1 --daemon gpu1:7419 --ca ca.pem --token-file t")
def command() -> None:
    """Name a daemon and what you show it, so that commands need no options for it."""


@command.command(
    "set", epilog="Example: tunewright access context set gpu1 --daemon gpu1.example:7419 --token-file t --ca ca.pem"
)
@click.argument("name", metavar="NAME")
@click.option("--daemon", metavar="TARGET", default="", help="HOST:PORT or unix:PATH; none: this user's own.")
@click.option("--project", metavar="NAME", default="", help="The project to work in.")
@click.option("--ca", metavar="FILE", type=_FILE, help="The daemon's authority.")
@click.option("--cert", metavar="FILE", type=_FILE, help="Your certificate,")
@click.option("--key", metavar="FILE", type=_FILE, help="and its private key.")
@click.option("--token-file", metavar="FILE", type=_FILE, help="Or a file with your token.")
def set_context(
    name: str, daemon: str, project: str, ca: str | None, cert: str | None, key: str | None, token_file: str | None
) -> int:
    """Keep NAME, and use it from now on where no other context is named."""
    from tunewright.client.contexts import Context, load, save
    from tunewright.client.targets import check_target

    if not _NAME.fullmatch(name):
        raise CommandError(
            f"`{name}` is no name of a context", help="letters, digits and `._@-`, at most 64", code=exits.USAGE
        )
    if daemon:
        check_target(daemon)
    files = {"ca": ca, "cert": cert, "key": key, "token_file": token_file}
    placed = {option: str(Path(path).absolute()) if path else "" for option, path in files.items()}
    context = Context(daemon=daemon, project=project, **placed)
    _ = context.credentials  # says what does not go together before anything is kept
    kept = load(places.contexts())
    save(places.contexts(), replace(kept, contexts={**kept.contexts, name: context}, current=name))
    remark(f"{name} is the context now")
    return exits.OK


@command.command("use", epilog="Example: tunewright access context use gpu1")
@click.argument("name", required=False, default="", metavar="[NAME]")
def use_context(name: str) -> int:
    """Use NAME from now on; without NAME, this user's own daemon."""
    from tunewright.client.contexts import load, save

    kept = load(places.contexts())
    if name:
        kept.named(name)
    save(places.contexts(), replace(kept, current=name))
    remark(f"{name} is the context now" if name else "commands talk to your own daemon now")
    return exits.OK


@command.command("list", epilog="Example: tunewright access context list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_contexts(as_json: bool) -> int:
    """List the contexts; the one in use has a star."""
    from tunewright.client.contexts import load

    kept = load(places.contexts())
    if as_json:
        contexts = {name: asdict(context) for name, context in kept.contexts.items()}
        show_json({"current": kept.current, "contexts": contexts})
        return exits.OK
    for name, context in kept.contexts.items():
        star, project = "*" if name == kept.current else " ", f"  project {context.project}" if context.project else ""
        show(f"{star} {name}  {context.daemon or 'your own daemon'}{project}")
    if not kept.contexts:
        show("no contexts")
    return exits.OK
