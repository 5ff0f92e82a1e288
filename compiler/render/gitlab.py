"""Findings as a Code Quality report of GitLab: shown in merge requests, told apart by fingerprints."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from typing import Any

from tunewright.compiler.render.report import CheckedSpec, findings, posix, remedy
from tunewright.spec.codes import Severity

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor", Severity.NOTE: "info"}


def render_gitlab(reports: Sequence[CheckedSpec]) -> str:
    """Return the report: a JSON list with one object a finding."""
    issues = [issue for checked in reports for issue in _issues(checked)]
    return json.dumps(issues, ensure_ascii=True, indent=2) + "\n"


def _issues(checked: CheckedSpec) -> Iterator[dict[str, Any]]:
    if checked.problem is not None:
        path = posix(checked.path)
        known_by = hashlib.sha256(f"unreadable\n{path}".encode("utf-8", "surrogateescape")).hexdigest()
        yield _issue("unreadable-spec", checked.problem, Severity.ERROR, known_by, path, 1, 1)
    for finding in findings(checked):
        item, span = finding.diagnostic, finding.span
        text = "\n".join(filter(None, [f"{item.code}: {finding.message}", remedy(item)]))
        first, last = (span.begin.line, span.finish.line) if span is not None else (1, 1)
        yield _issue(item.name, text, item.severity, finding.fingerprint, finding.path, first, last)


def _issue(
    name: str, text: str, severity: Severity, fingerprint: str, path: str, first: int, last: int
) -> dict[str, Any]:
    return {
        "type": "issue",
        "check_name": name,
        "description": text,
        "categories": ["Bug Risk"],
        "severity": _SEVERITIES[severity],
        "fingerprint": fingerprint,
        "location": {"path": path, "lines": {"begin": first, "end": last}},
    }
