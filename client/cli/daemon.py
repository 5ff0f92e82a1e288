"""`tunewright daemon`: the daemon in the foreground, and what is done with one as a whole."""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import click

from tunewright.client import places
from tunewright.client.cli import maintenance


@click.group(invoke_without_command=True)
@click.option("--listen", metavar="HOST:PORT", help="Listen on loopback too; for anybody: --anonymous.")
@click.option("--anonymous", is_flag=True, hidden=True, help="With --listen: any user of this machine may call.")
@click.option("--access", metavar="FILE", help="Who may do what (default: access.yaml in HOME).")
@click.option("--metrics", metavar="ADDRESS", help="Serve /metrics to Prometheus there.")
@click.option("--log-format", type=click.Choice(["text", "json"]), help="Default: text on a terminal, else json.")
@click.option("--policy", metavar="FILE", help="Hold every spec to this policy.")
@click.option("--secrets", metavar="FILE", help="Where secrets lie (default: secrets.yaml in HOME).")
@click.option("--alerts", metavar="FILE", help="Where alerts go (default: alerts.yaml in HOME).")
@click.option("--slots", type=click.IntRange(min=1), metavar="N", help="Steps on the processor at once (1).")
@click.option(
    "--home", metavar="DIR", type=click.Path(file_okay=False), help="Folder of store and artifacts (TUNEWRIGHT_HOME)."
)
@click.option("--export", metavar="DIR", help="Write the store as JSON lines into DIR, and end.")
@click.pass_context
def command(
    context: click.Context,
    listen: str | None,
    anonymous: bool,
    access: str | None,
    metrics: str | None,
    log_format: str | None,
    policy: str | None,
    secrets: str | None,
    alerts: str | None,
    slots: int | None,
    home: str | None,
    export: str | None,
) -> None:
    """Run the daemon until Ctrl-C; runs go on without it (see docs/access.md).
    Example: tunewright daemon --access /etc/tunewright/access.yaml
    """
    if context.invoked_subcommand is not None:
        context.obj = _home(home)
        return
    arguments = []
    files = (
        ("--export", export),
        ("--access", access),
        ("--policy", policy),
        ("--secrets", secrets),
        ("--alerts", alerts),
    )
    for name, path in files:
        if path is not None:
            arguments += [name, str(Path(path).absolute())]
    for name, address in (("--listen", listen), ("--metrics", metrics), ("--log-format", log_format)):
        if address is not None:
            arguments += [name, address]
    if slots is not None:
        arguments += ["--slots", str(slots)]
    if anonymous:
        arguments.append("--anonymous")
    _become(_home(home), arguments)


@command.command("backup", epilog="Example: tunewright daemon backup /mnt/backups/2026-11-22")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False))
@click.option("--checkpoints", is_flag=True, help="Also the work folders of attempts, to go on from their checkpoints.")
@click.pass_obj
def backup(home: str, folder: str, checkpoints: bool) -> None:
    """Write a backup to the new folder DIR while the daemon works, and read it again.

    It holds the store as it is at one moment, artifacts, logs and events of steps. Secrets are left out.
    """
    _become(home, ["--back-up", str(Path(folder).absolute()), *(["--checkpoints"] if checkpoints else [])])


@command.command("restore", epilog="Example: tunewright daemon --home /srv/tunewright restore /mnt/backups/2026-11-22")
@click.argument("folder", metavar="DIR", type=click.Path(exists=True, file_okay=False))
@click.option("--verify", is_flag=True, help="Only read the backup and say whether it is whole.")
@click.pass_obj
def restore(home: str, folder: str, verify: bool) -> None:
    """Put the backup in DIR into a home that has no store.

    Runs that went on when it was made rest afterwards: nothing starts before `tunewright resume`.
    """
    _become(home, ["--verify" if verify else "--restore", str(Path(folder).absolute())])


@command.command("check", epilog="Example: tunewright daemon check --access /etc/tunewright/access.yaml")
@click.option("--access", metavar="FILE", help="The access file that the daemon is started with.")
@click.option("--policy", metavar="FILE", help="And the policy.")
@click.option("--secrets", metavar="FILE", help="And where secrets lie.")
@click.option("--alerts", metavar="FILE", help="And where alerts go.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@click.pass_obj
def check(
    home: str, access: str | None, policy: str | None, secrets: str | None, alerts: str | None, as_json: bool
) -> None:
    """Look at daemon, home, disk, processes, files and certificates; change nothing.

    The exit code is for monitoring: 0 all is well, 1 something needs attention soon, 2 something is wrong.
    """
    arguments = ["--check", "json" if as_json else "text"]
    for name, path in (("--access", access), ("--policy", policy), ("--secrets", secrets), ("--alerts", alerts)):
        if path is not None:
            arguments += [name, str(Path(path).absolute())]
    _become(home, arguments)


for _name, _command in (("status", maintenance.status), ("drain", maintenance.drain), ("undrain", maintenance.undrain)):
    command.add_command(_command, _name)


def _home(home: str | None) -> str:
    return str(Path(home).absolute() if home else places.home())


def _become(home: str, arguments: Sequence[str]) -> NoReturn:
    """In place of this process, so that signals and exit code are the daemon's own."""
    words = [sys.executable, "-P", "-m", "tunewright.daemon", "--home", home, *arguments]
    sys.stdout.flush()
    os.execve(sys.executable, words, {**os.environ, "TUNEWRIGHT_HOME": home})  # noqa: S606
