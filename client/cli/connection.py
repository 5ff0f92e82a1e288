"""Which daemon a command talks to: the one that is named, or that of this user's home; and what it is shown."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from tunewright.client import places

if TYPE_CHECKING:
    from tunewright.client.api import Client
    from tunewright.client.contexts import Context

Command = TypeVar("Command", bound=Callable[..., Any])

_META = "tunewright.connection"
_FILE = click.Path(dir_okay=False)
#: Option -> what it means; its value is kept beside the command, which need not know of it.
_OPTIONS: tuple[tuple[str, str, Any, str], ...] = (
    ("--context", "NAME", str, "Daemon and credentials by name (`tunewright access context`)."),
    ("--project", "NAME", str, "The project to work in."),
    ("--token-file", "FILE", _FILE, "Show the token in FILE (`-`: the first line of standard input)."),
    ("--cert", "FILE", _FILE, "Show this certificate,"),
    ("--key", "FILE", _FILE, "whose private key this is."),
    ("--ca", "FILE", _FILE, "Talk only to a daemon with a certificate of this authority."),
)


def daemon_option(command: Command) -> Command:
    """Add `--daemon`, and what says who calls."""
    for flag, metavar, kind, meaning in reversed(_OPTIONS):
        name = flag.removeprefix("--").replace("-", "_")
        command = click.option(
            flag,
            metavar=metavar,
            type=kind,
            envvar=f"TUNEWRIGHT_{name.upper()}",
            help=meaning,
            # They would fill every command's screen; docs/cli.md lists them once for all.
            hidden=True,
            expose_value=False,
            callback=_keep,
        )(command)
    return click.option(
        "--daemon",
        "target",
        metavar="TARGET",
        envvar="TUNEWRIGHT_DAEMON",
        help="HOST:PORT or unix:PATH of the daemon (TUNEWRIGHT_DAEMON); default: this user's.",
    )(command)


def connected(target: str | None) -> "Client":
    """Return a client of the daemon that answers; raise UnreachableError where none does."""
    from tunewright.client.errors import UnreachableError
    from tunewright.client.local import socket_target

    context = chosen(target)
    if not context.daemon and not (places.home() / "daemon.sock").exists():
        raise UnreachableError(f"no Tunewright daemon runs for {places.home()}", target="")
    client = _client(context, context.daemon or socket_target(places.home()))
    client.server_info(timeout_seconds=10.0)
    return client


def started(target: str | None) -> "Client":
    """Return a client of the daemon that is named, or of this user's, which is started where none answers."""
    context = chosen(target)
    if context.daemon:
        return connected(target)
    from tunewright.client.local import ensure_daemon, socket_target

    client = ensure_daemon(places.home())
    if context == _nobody():
        return client
    client.close()
    return _client(context, socket_target(places.home()))


def opened(target: str | None) -> "Client":
    """Return a client that can tell what is there: a daemon is started where this user's home has a store to read."""
    return started(target) if chosen(target).daemon or places.has_store() else connected(target)


def chosen(target: str | None) -> "Context":
    """Return which daemon is meant and what it is shown: options count before the context that is named or current."""
    from tunewright.client.contexts import load

    meta = click.get_current_context().meta.get(_META, {})
    context = load(places.contexts()).named(meta.get("context") or "")
    written = {name: value for name, value in meta.items() if value and name != "context"}
    # A credential of one's own replaces the context's, whatever kind that is.
    if "token_file" in written:
        context = replace(context, cert="", key="")
    elif "cert" in written or "key" in written:
        context = replace(context, token_file="")
    return replace(context, **written, **({"daemon": target} if target else {}))


def _client(context: "Context", target: str) -> "Client":
    from tunewright.client.api import connect

    return connect(target, credentials=context.credentials, project=context.project)


def _nobody() -> "Context":
    from tunewright.client.contexts import Context

    return Context()


def _keep(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    if parameter.name is not None:
        is_path = parameter.type is _FILE and value and value != "-"
        kept = str(Path(value).absolute()) if is_path else value
        context.meta.setdefault(_META, {})[parameter.name] = kept
