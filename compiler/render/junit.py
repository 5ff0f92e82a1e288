"""Findings as a JUnit report: a suite a spec, a case a finding; what Jenkins and most others draw."""

from collections.abc import Sequence
from xml.etree import ElementTree

from tunewright.compiler.render.plain import clean, clean_line
from tunewright.compiler.render.report import CheckedSpec, Finding, count, findings, posix, remedy
from tunewright.spec.codes import Severity


def render_junit(reports: Sequence[CheckedSpec]) -> str:
    """Return the report as XML. Errors are failures; warnings are cases that pass and say so."""
    failures = count(reports, Severity.ERROR)
    unreadable = sum(checked.problem is not None for checked in reports)
    root = ElementTree.Element("testsuites", name="tunewright check")
    suites = [_suite(checked) for checked in reports]
    tests = sum(len(suite) for suite in suites)
    _set(root, tests=tests, failures=failures, errors=unreadable)
    root.extend(suites)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"


def _suite(checked: CheckedSpec) -> ElementTree.Element:
    name = clean_line(posix(checked.path))
    suite = ElementTree.Element("testsuite", name=name)
    if checked.problem is not None:
        case = ElementTree.SubElement(suite, "testcase", classname=name, name="readable")
        ElementTree.SubElement(case, "error", type="unreadable-spec", message=clean_line(checked.problem))
    elif not checked.failed:
        ElementTree.SubElement(suite, "testcase", classname=name, name="no errors")
    for finding in findings(checked):
        suite.append(_case(name, finding))
    failures = sum(item.severity is Severity.ERROR for item in checked.diagnostics)
    _set(suite, tests=len(suite), failures=failures, errors=int(checked.problem is not None))
    return suite


def _case(name: str, finding: Finding) -> ElementTree.Element:
    item, span = finding.diagnostic, finding.span
    place = f"{finding.path}:{span.begin.line}:{span.begin.column}" if span is not None else finding.path
    case = ElementTree.Element("testcase", classname=name, name=f"{item.code} {finding.message}")
    _set(case, file=clean_line(finding.path), **({"line": span.begin.line} if span is not None else {}))
    text = clean("\n".join(filter(None, [f"{place}: {finding.message}", remedy(item)])))
    if item.severity is Severity.ERROR:
        failure = ElementTree.SubElement(case, "failure", type=item.code, message=finding.message)
        failure.text = text
    else:
        ElementTree.SubElement(case, "system-out").text = f"{item.severity}: {text}"
    return case


def _set(element: ElementTree.Element, **attributes: str | int) -> None:
    for key, value in attributes.items():
        element.set(key, str(value))
