"""Findings as workflow commands: the lines that GitHub Actions turns into annotations on the changed files."""

from collections.abc import Iterator, Sequence

from tunewright.compiler.render.report import CheckedSpec, Finding, findings, posix, remedy
from tunewright.spec.codes import Severity

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def render_github(reports: Sequence[CheckedSpec]) -> str:
    """Return one command a finding; nothing for specs without findings."""
    return "".join(f"{line}\n" for checked in reports for line in _lines(checked))


def _lines(checked: CheckedSpec) -> Iterator[str]:
    if checked.problem is not None:
        yield _command("error", {"file": posix(checked.path), "title": "unreadable spec"}, checked.problem)
    for finding in findings(checked):
        yield _line(finding)


def _line(finding: Finding) -> str:
    item, span = finding.diagnostic, finding.span
    properties: dict[str, str | int] = {"file": finding.path}
    if span is not None:
        begin, finish = span.begin, span.finish
        properties |= {"line": begin.line, "endLine": finish.line}
        if begin.line == finish.line:  # columns of a range over several lines are not shown
            properties |= {"col": begin.column, "endColumn": finish.column}
    properties["title"] = f"{item.code} {item.name}"
    return _command(_COMMANDS[item.severity], properties, "\n".join(filter(None, [finding.message, remedy(item)])))


def _command(name: str, properties: dict[str, str | int], message: str) -> str:
    listed = ",".join(f"{key}={_property(str(value))}" for key, value in properties.items())
    return f"::{name} {listed}::{_data(message)}"


def _data(text: str) -> str:
    """Nothing in a spec may begin a command of its own."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
