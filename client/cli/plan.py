"""`tunewright plan`: what a run would do with each step, and why; nothing is started."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from tunewright.client import places
from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, started
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.formats import FORMS, REPORTS, report_text
from tunewright.client.cli.lengths import length_lines, length_values, measured, tell_more, with_estimates_of
from tunewright.client.cli.lockfile import write_lock
from tunewright.client.cli.options import DEFAULT_SPEC, STANDARD_INPUT, overlay_options, standards_options
from tunewright.client.cli.screen import remark, show, show_json
from tunewright.client.cli.specs import compile_or_stop, compile_spec
from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.difference import StepAction, difference
from tunewright.compiler.ir.plan import Plan, Step, plan_from_json
from tunewright.compiler.render.plan_text import render_plan
from tunewright.compiler.render.report import CheckedSpec
from tunewright.compiler.render.step_text import render_step

SCRIPT = "script"


@click.command(epilog="Example: tunewright plan life.yaml --step align")
@click.argument("spec", default=DEFAULT_SPEC, metavar="[SPEC]")
@overlay_options
@standards_options
@click.option("--step", "step_name", metavar="NAME", help="Show exactly what this step will execute.")
@click.option("--out", type=click.Path(dir_okay=False), metavar="FILE", help="Write the sealed plan to FILE.")
@click.option("--no-lock", is_flag=True, help="Do not write the lock beside the spec.")
@click.option(
    "--format",
    "form",
    type=click.Choice((*FORMS, SCRIPT)),
    default="full",
    help="How it is shown; sarif, github, gitlab, junit: what was found in SPEC; script: --step for a shell.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json: the plan and its actions.")
@daemon_option
def command(
    spec: str,
    profile: str | None,
    sets: tuple[str, ...],
    locked: bool,
    policy: str | None,
    step_name: str | None,
    out: str | None,
    no_lock: bool,
    form: str,
    as_json: bool,
    target: str | None,
) -> int:
    """Show what a run of SPEC (life.yaml) would do: reuse, rerun and why, create, remove.

    Nothing is started and nothing but the lock (life.lock) is written.
    """
    form = "json" if as_json else form
    if form == SCRIPT and step_name is None:
        raise click.UsageError("--format script needs --step NAME")
    if form in REPORTS:
        compilation = compile_spec(spec, profile=profile, sets=sets, locked=locked, policy=policy)
        lengths = measured(compilation, spec, profile=profile, sets=sets, policy=policy)
        show(report_text(form, [CheckedSpec(path=spec, diagnostics=lengths.diagnostics)]), end="")
        if lengths.has_errors:
            return exits.FAILED
    else:
        compilation = compile_or_stop(spec, profile=profile, sets=sets, locked=locked, policy=policy)
        lengths = compilation
        if step_name is None:
            lengths = measured(compilation, spec, profile=profile, sets=sets, policy=policy)
            tell_more(lengths, than=compilation)
    plan, actions = planned(compilation, spec, profile, sets, target)
    if not no_lock and not locked and spec != STANDARD_INPUT:
        write_lock(Path(spec), plan.lock)
    if out is not None:
        _write_plan(Path(out), plan)
    if form not in REPORTS:
        _show_plan(plan, actions, spec, form, step_name, lengths)
    return exits.OK


def _show_plan(
    plan: Plan,
    actions: tuple[StepAction, ...],
    spec: str,
    form: str,
    step_name: str | None,
    lengths: Compilation,
) -> None:
    if step_name is not None:
        step = _step(plan, step_name)
        if form == "json":
            show_json(next(item for item in plan.to_json()["steps"] if item["name"] == step.name))
        elif form == SCRIPT:
            show(_script(plan, step), end="")
        else:
            show(render_step(plan, step), end="")
    elif form == "json":
        acts = [_action_value(action) for action in actions]
        show_json({"plan": plan.to_json(), "actions": acts, "data": length_values(lengths)})
    elif form == "concise":
        show("\n".join(" ".join(filter(None, [item.action, item.step, item.because])) for item in actions))
    else:
        better = with_estimates_of(plan, lengths.plan)
        show(render_plan(better, actions, spec=spec, rows=length_lines(lengths)), end="")


def _script(plan: Plan, step: Step) -> str:
    from tunewright.compiler.render.script import NothingToLaunchError, render_script

    try:
        return render_script(plan, step)
    except NothingToLaunchError as error:
        raise CommandError(str(error)) from error


def planned(
    compilation: Compilation, spec: str, profile: str | None, sets: Sequence[str], target: str | None
) -> tuple[Plan, tuple[StepAction, ...]]:
    """Return the plan that would be run and its actions: the daemon's own where there is one."""
    local = compilation.plan
    if local is None:
        raise CommandError(f"{compilation.source.name} has no plan")
    unknown = local, difference(local, None, lambda _: False)
    if target is None and not places.has_store():
        return unknown
    from tunewright.client.errors import UnreachableError
    from tunewright.client.sources import spec_source

    try:
        with started(target) as client:
            answer = client.compile(spec_source(compilation, spec, profile, sets))
    except UnreachableError as error:
        if target is not None:
            raise
        remark(f"warning: what was done before is not known, everything is shown as new: {error}")
        return unknown
    if answer.plan is None:
        errors = "; ".join(item.message for item in answer.diagnostics if item.severity == "error")
        if compilation.locked:
            raise CommandError(f"the daemon, which sees its own files, would not run this: {errors}")
        remark(f"warning: the daemon would not run this: {errors}")
        return unknown
    actions = tuple(StepAction(item.step, item.action, item.because) for item in answer.actions)
    return plan_from_json(answer.plan), actions


def _step(plan: Plan, name: str) -> Step:
    try:
        return plan.step(name)
    except KeyError:
        names = ", ".join(step.name for step in plan.steps)
        raise CommandError(f"the plan has no step `{name}`", help=f"its steps: {names}", code=exits.USAGE) from None


def _action_value(action: StepAction) -> dict[str, str]:
    return {"step": action.step, "action": action.action, "because": action.because}


def _write_plan(path: Path, plan: Plan) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    body: dict[str, Any] = plan.to_json()
    aside.write_text(json.dumps(body, ensure_ascii=False, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    aside.replace(path)
