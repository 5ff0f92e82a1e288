"""`tunewright submit`: start a run and leave it to the daemon."""

from pathlib import Path

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import connected, daemon_option
from tunewright.client.cli.lockfile import write_lock
from tunewright.client.cli.options import (
    DEFAULT_SPEC,
    STANDARD_INPUT,
    overlay_options,
    queue_options,
    standards_options,
)
from tunewright.client.cli.screen import remark, show, show_json
from tunewright.client.cli.specs import compile_or_stop


@click.command(epilog="Example: tunewright submit life.yaml --expect-plan sha256:3f9a2c...")
@click.argument("spec", default=DEFAULT_SPEC, metavar="[SPEC]")
@overlay_options
@standards_options
@queue_options
@click.option("--expect-plan", "expected", metavar="DIGEST", default="", help="Refuse when the plan is another one.")
@click.option("--sync", is_flag=True, help="Install missing runner environments without asking.")
@click.option("--no-lock", is_flag=True, help="Do not write the lock beside the spec.")
@click.option("--watch", is_flag=True, help="Follow the run; Ctrl-C leaves it running.")
@click.option("--json", "as_json", is_flag=True, help="Print the run as JSON.")
@daemon_option
def command(
    spec: str,
    profile: str | None,
    sets: tuple[str, ...],
    locked: bool,
    policy: str | None,
    priority: int,
    firm: bool,
    expected: str,
    sync: bool,
    no_lock: bool,
    watch: bool,
    as_json: bool,
    target: str | None,
) -> int:
    """Start a run of SPEC (life.yaml) on a running daemon and print its id."""
    from tunewright.client.cli.run import create, executable
    from tunewright.client.cli.watch import watch_run
    from tunewright.client.sources import spec_source

    compilation = compile_or_stop(spec, profile=profile, sets=sets, locked=locked, policy=policy)
    plan = executable(compilation)
    with connected(target) as client:
        created = create(
            client,
            compilation,
            spec_source(compilation, spec, profile, sets),
            expected=expected,
            priority=priority,
            preemptible=not firm,
            sync=sync,
        )
        if not no_lock and not locked and spec != STANDARD_INPUT:
            write_lock(Path(spec), created.plan.get("lock") or plan.lock)
        if watch:
            return watch_run(client, created.run.id, as_json=as_json)
    if as_json:
        from dataclasses import asdict

        show_json(asdict(created.run))
    else:
        show(created.run.id)
        remark(f"follow it: tunewright watch {created.run.id}")
    return exits.OK
