"""`tunewright lock`: write down what a spec rests on today, for `--locked` to hold it to."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.lockfile import lock_path, write_lock
from tunewright.client.cli.options import DEFAULT_SPEC, STANDARD_INPUT, overlay_options
from tunewright.client.cli.screen import remark, show
from tunewright.client.cli.specs import compile_or_stop


@click.command(epilog="Example: tunewright lock life.yaml && git add life.lock")
@click.argument("spec", default=DEFAULT_SPEC, metavar="[SPEC]")
@overlay_options
def command(spec: str, profile: str | None, sets: tuple[str, ...]) -> int:
    """Write what SPEC (life.yaml) rests on into its lock (life.lock).

    Models, data, suites and schemas by digest, environments, the compiler and its defaults, variables, accepted
    warnings and the policy. `check`, `plan`, `run` and `submit --locked` fail when one of them is another.
    """
    if spec == STANDARD_INPUT:
        raise CommandError("a spec from standard input has no lock", help="name the file", code=exits.USAGE)
    compilation = compile_or_stop(spec, profile=profile, sets=sets)
    lock = compilation.plan.lock if compilation.plan is not None else {}
    written = write_lock(Path(spec), lock)
    for source in _unpinned(lock):
        remark(f"warning: {source} is not pinned: it is not here, and the spec names no revision")
    path = lock_path(Path(spec))
    show(f"wrote {path}" if written else f"{path} says so already")
    return exits.OK


def _unpinned(lock: Mapping[str, Any]) -> list[str]:
    return [source for source, held in lock.get("models", {}).items() if not held["digest"] and not held["revision"]]
