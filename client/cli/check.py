"""`tunewright check`: everything wrong with a spec, at once, before anything is started."""

import time
from typing import Any

import click

from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.formats import FORMS, REPORTS, report_text
from tunewright.client.cli.options import DEFAULT_SPEC, overlay_options, standards_options
from tunewright.client.cli.screen import colourful, complain, show, show_json
from tunewright.client.cli.specs import compile_spec
from tunewright.compiler.front import Compilation
from tunewright.compiler.ir.facts import ModelFacts
from tunewright.compiler.render.quantities import counted
from tunewright.compiler.render.report import CheckedSpec
from tunewright.spec.codes import Severity
from tunewright.spec.diagnostics import Diagnostic


@click.command(epilog="Example: tunewright check life.yaml --profile prod")
@click.argument("specs", nargs=-1, metavar="[SPEC]...")
@overlay_options
@standards_options
@click.option("--format", "form", type=click.Choice(FORMS), default="full", help="How findings are shown.")
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def command(
    specs: tuple[str, ...],
    profile: str | None,
    sets: tuple[str, ...],
    locked: bool,
    policy: str | None,
    form: str,
    as_json: bool,
) -> int:
    """Find everything wrong with SPEC (life.yaml; - for standard input).

    Reads the spec and the files it names, and starts nothing. Ends with 1 when there are errors.
    """
    form = "json" if as_json else form
    reports: list[CheckedSpec] = []
    for path in specs or (DEFAULT_SPEC,):
        started = time.perf_counter()
        try:
            compilation = compile_spec(path, profile=profile, sets=sets, locked=locked, policy=policy, plan=False)
        except CommandError as error:
            reports.append(CheckedSpec(path=path, problem=error.message))
            if form in ("full", "concise"):
                complain(error.message, error.help)
            continue
        unseen = _unseen(compilation)
        reports.append(CheckedSpec(path=compilation.source.name, diagnostics=compilation.diagnostics, unseen=unseen))
        if form in ("full", "concise"):
            seconds = time.perf_counter() - started
            _draw(form, compilation.diagnostics)
            if unseen:
                show(f"not looked at, because nothing is fetched here: {', '.join(unseen)}")
            show(verdict(compilation.source.name, compilation.diagnostics, seconds))
    if form == "json":
        show_json({"specs": [_answer(checked) for checked in reports]})
    elif form in REPORTS:
        show(report_text(form, reports), end="")
    return exits.FAILED if any(checked.failed for checked in reports) else exits.OK


def verdict(name: str, diagnostics: tuple[Diagnostic, ...], seconds: float) -> str:
    """Return the last line: `life.yaml: 2 errors, 1 warning in 0.14 s   (nothing was started)`."""
    errors, warnings = _count(diagnostics, Severity.ERROR), _count(diagnostics, Severity.WARNING)
    found = [counted(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    words = ", ".join(found) if errors else ", ".join(["ok", *found])
    return f"{name}: {words} in {seconds:.2f} s   (nothing was started)"


def _unseen(compilation: Compilation) -> tuple[str, ...]:
    """Return what a check could not know: the rows of hubs' data sets, and models of which nothing is here."""
    if compilation.facts is None:
        return ()
    rows = [f"the rows of `{name}`" for name, facts in compilation.facts.data.items() if facts.remote]
    models = [f"`{source}`" for source, facts in compilation.facts.models.items() if _is_unseen(facts)]
    return (*models, *rows)


def _is_unseen(facts: ModelFacts) -> bool:
    return facts.origin == "unknown" and facts.problem is None


def _draw(form: str, diagnostics: tuple[Diagnostic, ...]) -> None:
    if not diagnostics:
        return
    if form == "concise":
        from tunewright.compiler.render.concise import render_concise

        show(render_concise(diagnostics), end="")
    else:
        from tunewright.compiler.render.full import render_full

        show(render_full(diagnostics, colour=colourful()), coloured=True)


def _answer(checked: CheckedSpec) -> dict[str, Any]:
    from tunewright.compiler.render.json_text import diagnostic_value

    if checked.problem is not None:
        return {"path": checked.path, "error": checked.problem, "diagnostics": []}
    return {
        "path": checked.path,
        "errors": _count(checked.diagnostics, Severity.ERROR),
        "warnings": _count(checked.diagnostics, Severity.WARNING),
        "not_looked_at": list(checked.unseen),
        "diagnostics": [diagnostic_value(item) for item in checked.diagnostics],
    }


def _count(diagnostics: tuple[Diagnostic, ...], severity: Severity) -> int:
    return sum(item.severity is severity for item in diagnostics)
