"""`tunewright run`: compile, start, follow to the end, say what came of it."""

import sys
import uuid
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, started
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.lockfile import write_lock
from tunewright.client.cli.options import (
    DEFAULT_SPEC,
    STANDARD_INPUT,
    overlay_options,
    queue_options,
    standards_options,
)
from tunewright.client.cli.screen import is_terminal
from tunewright.client.cli.specs import compile_or_stop
from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.plan import Plan
from tunewright.spec.priority import NORMAL

if TYPE_CHECKING:
    from tunewright.client.api import Client
    from tunewright.client.cli.interrupt import Interrupts
    from tunewright.client.values import CreatedRun, SpecSource


@click.command(epilog="Example: tunewright run life.yaml --set steps.align.train.beta=0.2")
@click.argument("spec", default=DEFAULT_SPEC, metavar="[SPEC]")
@overlay_options
@standards_options
@queue_options
@click.option("--sync", is_flag=True, help="Install missing runner environments without asking.")
@click.option("--expect-plan", "expected", metavar="DIGEST", default="", help="Refuse when the plan is another one.")
@click.option("--no-lock", is_flag=True, help="Do not write the lock beside the spec.")
@click.option("--json", "as_json", is_flag=True, help="Print only the end, as JSON.")
@daemon_option
def command(
    spec: str,
    profile: str | None,
    sets: tuple[str, ...],
    locked: bool,
    policy: str | None,
    priority: int,
    firm: bool,
    sync: bool,
    expected: str,
    no_lock: bool,
    as_json: bool,
    target: str | None,
) -> int:
    """Run SPEC (life.yaml) and follow it to the end.

    Finished steps are reused. Ctrl-C cancels the run and waits for it; a second Ctrl-C stops it at once. Ends with 1
    when a gate says no or the run fails, 75 when it pauses (`tunewright resume`), 130 when it was cancelled.
    """
    from tunewright.client.cli.interrupt import Interrupts, follow_or_cancel
    from tunewright.client.sources import spec_source

    compilation = compile_or_stop(spec, profile=profile, sets=sets, locked=locked, policy=policy)
    plan = executable(compilation)
    with started(target) as client, Interrupts() as interrupts:
        created = create(
            client,
            compilation,
            spec_source(compilation, spec, profile, sets),
            expected=expected,
            priority=priority,
            preemptible=not firm,
            sync=sync,
            interrupts=interrupts,
        )
        if not no_lock and not locked and spec != STANDARD_INPUT:
            write_lock(Path(spec), created.plan.get("lock") or plan.lock)
        return follow_or_cancel(client, created.run, created.plan, interrupts, as_json=as_json)


def executable(compilation: Compilation) -> Plan:
    """Return the plan when all of it can be run; raise CommandError with what is missing."""
    plan = compilation.plan
    blocked = [step for step in plan.steps if step.not_executable] if plan is not None else []
    if plan is None or blocked:
        reasons = "; ".join(f"{step.name}: {step.not_executable}" for step in blocked)
        raise CommandError(
            f"this plan can't be run yet: {reasons}", help="take these steps out, or see them with `tunewright plan`"
        )
    return plan


def create(
    client: "Client",
    compilation: Compilation,
    source: "SpecSource",
    *,
    expected: str = "",
    priority: int = NORMAL,
    preemptible: bool = True,
    sync: bool = False,
    interrupts: "Interrupts | None" = None,
) -> "CreatedRun":
    """Start the run; where an environment is missing, install it when that was asked for or is agreed to."""
    from tunewright.client.errors import RefusedError

    request: dict[str, Any] = {
        "request_id": uuid.uuid4().hex,
        "expected_plan_digest": expected,
        "priority": priority,
        "preemptible": preemptible,
    }
    try:
        with interrupts.held() if interrupts else nullcontext():
            return client.create_run(source, **request)
    except RefusedError as error:
        if error.reason != "ENVIRONMENT_MISSING" or compilation.plan is None:
            raise
        _install_missing(compilation.plan, error, sync)
    with interrupts.held() if interrupts else nullcontext():
        return client.create_run(source, **request)


def _install_missing(plan: Plan, refusal: Exception, sync: bool) -> None:
    from tunewright.client import places
    from tunewright.client.cli.env import install
    from tunewright.runners.environments import ENVIRONMENTS, gone, interpreter

    named = dict.fromkeys(step.launch.environment for step in plan.steps if step.launch is not None)
    missing = [name for name in named if name in ENVIRONMENTS and interpreter(name, places.environments()) is None]
    commands = " && ".join(f"tunewright env sync {name}" for name in missing)
    if not missing:
        raise refusal
    asked = not sync and is_terminal(sys.stdin) and is_terminal(sys.stderr)
    if asked:
        words = " and ".join(missing)
        sync = click.confirm(f"The environment {words} is not installed. Install it now?", err=True)
    if not sync:
        lost = [
            f"; {path}, which stood for it, is gone" for name in missing if (path := gone(name, places.environments()))
        ]
        raise CommandError(
            f"not installed: environment {', '.join(missing)}{''.join(lost)}",
            help=f"{commands}   (or run again with --sync)",
            code=exits.REFUSED,
        )
    for name in missing:
        install(name)
