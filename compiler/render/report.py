"""What the formats for machines have in common: the findings of one spec, where each belongs, how it is recognised."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import PurePath

from tunewright.compiler.render.plain import clean_line
from tunewright.spec.codes import Severity
from tunewright.spec.diagnostics import Diagnostic
from tunewright.spec.record import record
from tunewright.spec.source import SourceFile, Span


@record(kw_only=True)
class CheckedSpec:
    """One spec and what was found in it.

    `problem` is the sentence for a spec that could not be read at all; `unseen` names what could not be known here.
    """

    path: str
    diagnostics: tuple[Diagnostic, ...] = ()
    problem: str | None = None
    unseen: tuple[str, ...] = ()

    @property
    def failed(self) -> bool:
        """True when nothing may run."""
        return self.problem is not None or any(item.severity is Severity.ERROR for item in self.diagnostics)


@record(kw_only=True)
class Finding:
    """A diagnostic as formats with files and lines need it.

    `path` is a file, with `/`; `span` is None where the mistake does not stand in a file (`--set`), and then `message`
    names the place. `fingerprint` stays the same when lines move.
    """

    path: str
    diagnostic: Diagnostic
    span: Span | None
    message: str
    fingerprint: str


def findings(checked: CheckedSpec) -> Iterator[Finding]:
    """Yield the findings of a spec in their order."""
    seen: dict[str, int] = {}
    for item in checked.diagnostics:
        span = item.primary.span
        stands_in_file = is_file(span.source)
        path = span.source.name if stands_in_file else checked.path
        place = "" if stands_in_file else f" (in `{span.source.name}`)"
        key = "\n".join([item.code, posix(path), _line(span).strip(), span.text[:200]])
        seen[key] = seen.get(key, 0) + 1
        yield Finding(
            path=posix(path),
            diagnostic=item,
            span=span if stands_in_file else None,
            message=clean_line(item.message + place),
            fingerprint=hashlib.sha256(f"{key}\n{seen[key]}".encode("utf-8", "surrogateescape")).hexdigest(),
        )


def is_file(source: SourceFile) -> bool:
    """Tell a file from an override given on the command line."""
    return not source.name.startswith("--set ")


def posix(path: str) -> str:
    """Return a path with `/`, and without a leading `./`."""
    return PurePath(path).as_posix()


def remedy(item: Diagnostic) -> str:
    """Return the notes and the help of a finding, a line each."""
    lines = [*item.notes, *([f"help: {item.help}"] if item.help else [])]
    return "\n".join(clean_line(line) for line in lines)


def count(reports: Sequence[CheckedSpec], severity: Severity) -> int:
    """Return how many findings of a severity there are."""
    return sum(item.severity is severity for checked in reports for item in checked.diagnostics)


def _line(span: Span) -> str:
    return span.source.line_text(span.begin.line)
