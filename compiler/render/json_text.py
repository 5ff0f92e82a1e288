"""Diagnostics as JSON, named as in `tunewright.v1.Diagnostic`: lines and UTF-16 columns from 1, ends exclusive."""

from typing import Any

from tunewright.spec.diagnostics import Diagnostic
from tunewright.spec.source import Span


def diagnostic_value(item: Diagnostic) -> dict[str, Any]:
    """Return the JSON object of a finding."""
    return {
        "code": item.code,
        "name": item.name,
        "severity": str(item.severity),
        "message": item.message,
        "span": _span(item.primary.span),
        "label": item.primary.text,
        "labels": [{"span": _span(label.span), "message": label.text} for label in item.labels],
        "help": item.help or "",
        "notes": list(item.notes),
        "edits": [{"span": _span(item.edit.span), "replacement": item.edit.replacement}] if item.edit else [],
    }


def _span(span: Span) -> dict[str, Any]:
    begin, finish = span.begin, span.finish
    return {
        "path": span.source.name,
        "start_line": begin.line,
        "start_column": span.utf16_column(begin) + 1,
        "end_line": finish.line,
        "end_column": span.utf16_column(finish) + 1,
    }
