"""`tunewright env`: the runners' environments."""

from pathlib import Path

import click

from tunewright.client import places
from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.screen import remark, show, show_json
from tunewright.compiler.render.columns import aligned
from tunewright.runners.environments import (
    ENVIRONMENTS,
    EnvironmentSyncError,
    UnknownEnvironmentError,
    digest,
    gone,
    interpreter,
    lacking,
    sync,
    use,
)


@click.group(epilog="Example: tunewright env sync train")
def command() -> None:
    """List, install or choose the environments that runners work in."""


@command.command("list", epilog="Example: tunewright env list")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
def list_environments(as_json: bool) -> int:
    """List the environments, and whether they are installed here."""
    root = places.environments()
    found = {name: interpreter(name, root) for name in ENVIRONMENTS}
    if as_json:
        show_json({
            "environments": [
                {
                    "name": name,
                    "digest": digest(name),
                    "purpose": item.purpose,
                    "hint": item.hint,
                    "python": str(found[name]) if found[name] else None,
                }
                for name, item in ENVIRONMENTS.items()
            ]
        })  # fmt: skip
    else:
        rows = [("environment", "here", "for")]
        rows += [(name, _here(name, found[name], root), item.purpose) for name, item in ENVIRONMENTS.items()]
        show("\n".join(aligned(rows, indent="")))
    return exits.OK


def _here(name: str, python: Path | None, root: Path) -> str:
    return "yes" if python else "gone" if gone(name, root) else "no"


@command.command("sync", epilog="Example: tunewright env sync train")
@click.argument("name", metavar="NAME")
def sync_environment(name: str) -> int:
    """Install the environment NAME: a folder of its own with exactly the pinned packages. Again: nothing to do."""
    install(name)
    return exits.OK


@command.command("use", epilog="Example: tunewright env use serve-vllm --python /opt/vllm/bin/python")
@click.argument("name", metavar="NAME")
@click.option("--python", required=True, type=click.Path(exists=True, dir_okay=False), help="The interpreter to use.")
def use_interpreter(name: str, python: str) -> int:
    """Work with a site's own interpreter as the environment NAME; nothing is written into it."""
    try:
        chosen = use(name, Path(python).absolute(), places.environments())
    except UnknownEnvironmentError as error:
        raise CommandError(str(error), code=exits.USAGE) from error
    except EnvironmentSyncError as error:
        raise CommandError(str(error)) from error
    show(f"{name}: runners start with {chosen}")
    for kind, packages in lacking(name, chosen).items():
        remark(f"warning: steps of kind {kind} can't run with it: it lacks {', '.join(packages)}")
    return exits.OK


def install(name: str) -> Path:
    """Install an environment with its progress on standard error; return its interpreter."""
    try:
        python = sync(name, places.environments(), remark)
    except UnknownEnvironmentError as error:
        raise CommandError(str(error), code=exits.USAGE) from error
    except EnvironmentSyncError as error:
        raise CommandError(f"{name}: {error}") from error
    hint = ENVIRONMENTS[name].hint
    remark(f"{name}: {python}" + (f"\n{name}: {hint}" if hint else ""))
    return python
