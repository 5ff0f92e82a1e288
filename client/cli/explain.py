"""`tunewright explain`: why a finding is one, and where a value comes from."""

from dataclasses import replace
from typing import TYPE_CHECKING

import click

from tunewright.client.cli import exits
from tunewright.client.cli.connection import daemon_option, started
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.options import overlay_options
from tunewright.client.cli.screen import show, show_json
from tunewright.compiler.render.columns import aligned
from tunewright.spec.codes import CODES

if TYPE_CHECKING:
    from tunewright.compiler.ir.plan import Plan
    from tunewright.compiler.rules.rule import Rule

_EXAMPLE = """\b
Examples: tunewright explain TW3014
          tunewright explain life.yaml steps.align.train.beta
          tunewright explain life.yaml --why-rerun align"""


@click.command(epilog=_EXAMPLE)
@click.argument("subject", default="", metavar="CODE|SPEC")
@click.argument("path", default="", metavar="[PATH]")
@overlay_options
@click.option("--why-rerun", "step", metavar="STEP", help="Say why a run would do STEP again, since the last run.")
@click.option("--codes", is_flag=True, help="List all codes.")
@click.option("--json", "as_json", is_flag=True, help="Print as JSON.")
@daemon_option
def command(
    subject: str,
    path: str,
    profile: str | None,
    sets: tuple[str, ...],
    step: str | None,
    codes: bool,
    as_json: bool,
    target: str | None,
) -> int:
    """Explain a finding's CODE; or what PATH of SPEC was resolved to, why, and what depends on it."""
    if codes:
        _list_codes(as_json)
        return exits.OK
    if not subject:
        raise click.UsageError("say what to explain: a code such as TW1003, or a spec and a path in it")
    if (code := _code_of(subject)) is not None:
        _explain_code(code, as_json)
        return exits.OK
    if step is not None:
        _explain_rerun(subject, profile, sets, step, target, as_json)
        return exits.OK
    if not path:
        message, hint = _not_a_code(subject)
        raise CommandError(message, help=hint, code=exits.USAGE)
    from tunewright.client.cli.specs import compile_spec
    from tunewright.client.cli.view.explained import explained
    from tunewright.client.cli.view.layers import replaced

    compilation = compile_spec(subject, profile=profile, sets=sets)
    found = replace(explained(compilation, path), replaced=replaced(compilation, path, profile))
    if as_json:
        show_json(found.value())
    else:
        show(found.text(), end="")
    return exits.OK


def _explain_rerun(
    spec: str, profile: str | None, sets: tuple[str, ...], step: str, target: str | None, as_json: bool
) -> None:
    from tunewright.client import places
    from tunewright.client.cli.plan import planned
    from tunewright.client.cli.specs import compile_or_stop
    from tunewright.client.cli.view.reasons import reasons, reasons_text, reasons_value

    plan, actions = planned(compile_or_stop(spec, profile=profile, sets=sets), spec, profile, sets, target)
    previous = _last_plan(plan.name, target) if target is not None or places.has_store() else None
    chain = reasons(plan, actions, previous, step)
    if as_json:
        show_json(reasons_value(chain))
    else:
        show(reasons_text(chain), end="")


def _last_plan(name: str, target: str | None) -> "Plan | None":
    """Return the plan of the last run of a name; None where a daemon has none or does not answer."""
    from tunewright.client.errors import UnreachableError
    from tunewright.compiler.ir.plan import plan_from_json

    try:
        with started(target) as client:
            last = next(iter(client.list_runs(spec_name=name)), None)
            return plan_from_json(client.get_run(last.id).plan) if last is not None else None
    except UnreachableError:
        return None  # `planned` has said so


def code_text(code: str) -> str:
    """Return what is known of a code: its name, why it matters, a spec that has it and one that has not."""
    row = CODES[code]
    explanation = _explanation(code)
    lines = [f"{row.severity}[{code}]: {row.name}   (since {row.since})"]
    if explanation is not None:
        from tunewright.compiler.rules.rule import in_block_style

        lines += ["", *_paragraph(explanation.why)]
        for title, text in (
            ("this has it", in_block_style(explanation.bad)),
            ("this has not", in_block_style(explanation.good)),
        ):
            if text:
                lines += ["", f"{title}:", "", *(f"    {line}".rstrip() for line in text.strip("\n").splitlines())]
    return "\n".join(lines) + "\n"


def _explanation(code: str) -> "Rule | None":
    from tunewright.compiler.rules import explanation

    return explanation(code)


def _explain_code(code: str, as_json: bool) -> None:
    if not as_json:
        show(code_text(code), end="")
        return
    row, explanation = CODES[code], _explanation(code)
    parts = {name: getattr(explanation, name, "") for name in ("why", "bad", "good")}
    show_json({"code": code, "name": row.name, "severity": str(row.severity), "since": row.since, **parts})


def _list_codes(as_json: bool) -> None:
    if as_json:
        show_json(
            {"codes": [{"code": row.code, "name": row.name, "severity": str(row.severity)} for row in CODES.values()]}
        )
    else:
        show("\n".join(aligned([(row.code, str(row.severity), row.name) for row in CODES.values()], indent="")))


def _code_of(subject: str) -> str | None:
    """Return the code that a word means: itself, in any case, or by its name, such as `unknown-key`."""
    if subject.upper() in CODES:
        return subject.upper()
    return next((row.code for row in CODES.values() if row.name == subject.lower()), None)


def _not_a_code(subject: str) -> tuple[str, str]:
    from tunewright.spec.suggest import nearest

    if subject.upper().startswith("TW") and subject[2:].isdigit():
        near = nearest(subject, CODES)
        return (
            f"there is no code {subject}",
            f"did you mean {near}? `tunewright explain --codes` lists all"
            if near
            else "`tunewright explain --codes` lists all",
        )
    return f"what of `{subject}`?", f"name a path in it: tunewright explain {subject} steps.NAME.train.learning_rate"


def _paragraph(text: str) -> list[str]:
    import textwrap

    return textwrap.wrap(text, 80)
