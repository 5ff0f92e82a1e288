"""Findings as SARIF 2.1.0, the format that code scanning services and editors read; rules bring their explanation."""

import json
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any
from urllib.parse import quote

from tunewright import __version__
from tunewright.compiler.render.plain import clean_line
from tunewright.compiler.render.report import CheckedSpec, Finding, findings, is_file, posix
from tunewright.compiler.rules import explanation
from tunewright.compiler.rules.rule import in_block_style
from tunewright.spec.codes import CODES, Severity
from tunewright.spec.diagnostics import Edit
from tunewright.spec.source import Span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"

_LEVELS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "note"}


def render_sarif(reports: Sequence[CheckedSpec]) -> str:
    """Return the log as JSON: one run over all specs."""
    return json.dumps(sarif_value(reports), ensure_ascii=True, indent=2) + "\n"


def sarif_value(reports: Sequence[CheckedSpec]) -> dict[str, Any]:
    """Return the log as a JSON object."""
    found = [finding for checked in reports for finding in findings(checked)]
    codes = sorted({finding.diagnostic.code for finding in found})
    unreadable = [_notification(checked.path, checked.problem) for checked in reports if checked.problem is not None]
    run = {
        "tool": {"driver": {"name": "Tunewright", "semanticVersion": __version__, "rules": [*map(_rule, codes)]}},
        "invocations": [{"executionSuccessful": not unreadable, "toolExecutionNotifications": unreadable}],
        "columnKind": "utf16CodeUnits",
        "results": [_result(finding, codes.index(finding.diagnostic.code)) for finding in found],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str) -> dict[str, Any]:
    row, rule = CODES[code], explanation(code)
    value: dict[str, Any] = {
        "id": code,
        "name": "".join(word.capitalize() for word in row.name.split("-")),
        "shortDescription": {"text": row.name.replace("-", " ")},
        "defaultConfiguration": {"level": _LEVELS[row.severity]},
    }
    if rule is not None:
        shown = (("has it", in_block_style(rule.bad)), ("has not", in_block_style(rule.good)))
        examples = [(title, text.strip("\n")) for title, text in shown if text]
        plain = [rule.why, *(f"This {title}:\n{text}" for title, text in examples)]
        marked = [rule.why, *(f"This {title}:\n\n```yaml\n{text}\n```" for title, text in examples)]
        value["fullDescription"] = {"text": rule.why}
        value["help"] = {"text": "\n\n".join(plain), "markdown": "\n\n".join(marked)}
    return value


def _result(finding: Finding, rule_index: int) -> dict[str, Any]:
    item = finding.diagnostic
    help_text = f". {clean_line(item.help)}" if item.help else ""
    result: dict[str, Any] = {
        "ruleId": item.code,
        "ruleIndex": rule_index,
        "level": _LEVELS[item.severity],
        "message": {"text": finding.message + help_text},
        "locations": [_location(finding.path, finding.span)],
        "partialFingerprints": {"tunewright/v1": finding.fingerprint},
    }
    related = [label for label in item.labels if is_file(label.span.source)]
    if related:
        result["relatedLocations"] = [
            {**_location(label.span.source.name, label.span), "message": {"text": clean_line(label.text or "here")}}
            for label in related
        ]
    if item.edit is not None and is_file(item.edit.span.source):
        result["fixes"] = [_fix(item.edit)]
    return result


def _fix(edit: Edit) -> dict[str, Any]:
    replacement = {"deletedRegion": _region(edit.span), "insertedContent": {"text": edit.replacement}}
    change = {"artifactLocation": {"uri": _uri(edit.span.source.name)}, "replacements": [replacement]}
    return {"description": {"text": f"write `{clean_line(edit.replacement)}`"}, "artifactChanges": [change]}


def _notification(path: str, problem: str) -> dict[str, Any]:
    return {"level": "error", "message": {"text": clean_line(problem)}, "locations": [_location(path, None)]}


def _location(path: str, span: Span | None) -> dict[str, Any]:
    place: dict[str, Any] = {"artifactLocation": {"uri": _uri(path)}}
    if span is not None:
        place["region"] = _region(span)
    return {"physicalLocation": place}


def _region(span: Span) -> dict[str, int]:
    begin, finish = span.begin, span.finish
    return {
        "startLine": begin.line,
        "startColumn": span.utf16_column(begin) + 1,
        "endLine": finish.line,
        "endColumn": span.utf16_column(finish) + 1,
    }


def _uri(path: str) -> str:
    """Relative paths stay relative: the reader knows the root of the repository, we do not."""
    escaped = quote(posix(path), safe="/", errors="surrogateescape")
    return f"file://{escaped}" if PurePath(path).is_absolute() else escaped
