"""`tunewright check`: everything wrong with a spec, at once, before anything is started."""

import time
from typing import Any

import click

from tunewright.client.cli import exits
from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.options import DEFAULT_SPEC, overlay_options
from tunewright.client.cli.screen import colourful, complain, show, show_json
from tunewright.client.cli.specs import compile_spec
from tunewright.compiler.render.quantities import counted
from tunewright.spec.codes import Severity
from tunewright.spec.diagnostics import Diagnostic


@click.command(epilog="Example: tunewright check life.yaml --profile prod")
@click.argument("specs", nargs=-1, metavar="[SPEC]...")
@overlay_options
@click.option(
    "--format", "form", type=click.Choice(["full", "concise", "json"]), default="full", help="How findings are shown."
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
def command(specs: tuple[str, ...], profile: str | None, sets: tuple[str, ...], form: str, as_json: bool) -> int:
    """Find everything wrong with SPEC (life.yaml; - for standard input).

    Reads the spec and the files it names, and starts nothing. Ends with 1 when there are errors.
    """
    form = "json" if as_json else form
    answers: list[dict[str, Any]] = []
    failed = False
    for path in specs or (DEFAULT_SPEC,):
        started = time.perf_counter()
        try:
            compilation = compile_spec(path, profile=profile, sets=sets)
        except CommandError as error:
            failed = True
            answers.append({"path": path, "error": error.message, "diagnostics": []})
            if form != "json":
                complain(error.message, error.help)
            continue
        failed = failed or compilation.has_errors
        answers.append(_answer(compilation.source.name, compilation.diagnostics))
        if form != "json":
            seconds = time.perf_counter() - started
            _draw(form, compilation.diagnostics)
            show(verdict(compilation.source.name, compilation.diagnostics, seconds))
    if form == "json":
        show_json({"specs": answers})
    return exits.FAILED if failed else exits.OK


def verdict(name: str, diagnostics: tuple[Diagnostic, ...], seconds: float) -> str:
    """Return the last line: `life.yaml: 2 errors, 1 warning in 0.14 s   (nothing was started)`."""
    errors, warnings = _count(diagnostics, Severity.ERROR), _count(diagnostics, Severity.WARNING)
    found = [counted(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number]
    words = ", ".join(found) if errors else ", ".join(["ok", *found])
    return f"{name}: {words} in {seconds:.2f} s   (nothing was started)"


def _draw(form: str, diagnostics: tuple[Diagnostic, ...]) -> None:
    if not diagnostics:
        return
    if form == "concise":
        from tunewright.compiler.render.concise import render_concise

        show(render_concise(diagnostics), end="")
    else:
        from tunewright.compiler.render.full import render_full

        show(render_full(diagnostics, colour=colourful()))


def _answer(name: str, diagnostics: tuple[Diagnostic, ...]) -> dict[str, Any]:
    from tunewright.compiler.render.json_text import diagnostic_value

    return {
        "path": name,
        "errors": _count(diagnostics, Severity.ERROR),
        "warnings": _count(diagnostics, Severity.WARNING),
        "diagnostics": [diagnostic_value(item) for item in diagnostics],
    }


def _count(diagnostics: tuple[Diagnostic, ...], severity: Severity) -> int:
    return sum(item.severity is severity for item in diagnostics)
