"""Diagnostics as one line each, for editors and grep: `life.yaml:17:40: error[TW1003]: unknown key ...`."""

from collections.abc import Iterable

from tunewright.compiler.render.plain import clean_line
from tunewright.spec.diagnostics import Diagnostic


def render_concise(diagnostics: Iterable[Diagnostic]) -> str:
    """Return one line a finding; the remedy follows in parentheses."""
    return "".join(_line(item) + "\n" for item in diagnostics)


def _line(item: Diagnostic) -> str:
    span = item.primary.span
    remedy = f" ({item.help})" if item.help else ""
    place = f"{span.source.name}:{span.begin.line}:{span.begin.column}"
    return clean_line(f"{place}: {item.severity}[{item.code}]: {item.message}{remedy}")
