"""What a rule concluded from a mistake about which something was said already is not said.

A rule names in `follows` the places it concludes from: the batch that is too large for the rows follows from the
number of accelerators, and when that number is not usable, the default in its place is nobody's mistake.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from tunewright.compiler.passes.work import Work
from tunewright.compiler.rules.rule import Rule
from tunewright.spec.codes import Severity
from tunewright.spec.diagnostics import Diagnostic
from tunewright.spec.document import ANY, Path
from tunewright.spec.source import Span
from tunewright.spec.syntax import MappingNode

#: In `follows`, the name of the step, data set or suite that the finding is about.
_SAME = "@"


@contextmanager
def without_follow_ons(work: Work, rules: tuple[Rule, ...]) -> Iterator[None]:
    """Withdraw, at the end of the block, what was found in it and follows from another finding."""
    before = frozenset(work.sink)
    yield
    findings = list(work.sink)
    errors = [item for item in findings if item.severity is Severity.ERROR]
    if not errors:
        return
    follows = {rule.code: rule.follows for rule in rules}
    for item in findings:
        span = item.primary.span
        if item in before:
            continue
        places = [_concrete(work, place, span) for place in follows[item.code]]
        if _is_poisoned_value(work, span) or any(_explains(work, place, item, errors) for place in places):
            work.sink.withdraw(span, frozenset((item.code,)))


def _is_poisoned_value(work: Work, span: Span) -> bool:
    """True for a finding at a value that was not usable: what stands in its place was never written."""
    assert work.document is not None
    nodes = (work.document.node(bad) for bad in work.poisoned)
    return any(node is not None and node.span == span for node in nodes)


def _concrete(work: Work, place: str, span: Span) -> Path:
    parts = place.split(".")
    assert work.document is not None
    section = work.document.node((parts[0],))
    names = section.entries.items() if isinstance(section, MappingNode) else ()
    same = next((name for name, entry in names if span.lies_in(entry.key, entry.value.span)), ANY)
    return tuple(same if part == _SAME else part for part in parts)


def _explains(work: Work, place: Path, item: Diagnostic, errors: list[Diagnostic]) -> bool:
    """True when there is a mistake at the place that a finding was concluded from."""
    assert work.document is not None
    if work.is_suspect(*place):
        return True
    wholes = [node.span for node in work.document.nodes(place)]
    return any(error is not item and error.primary.span.lies_in(whole, whole) for error in errors for whole in wholes)
