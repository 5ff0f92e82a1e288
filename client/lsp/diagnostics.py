"""textDocument/publishDiagnostics: what the compiler found, as the protocol shows it."""

from lsprotocol import types

from tunewright.client.lsp.snapshot import Snapshot
from tunewright.spec.codes import Severity
from tunewright.spec.diagnostics import Diagnostic

SOURCE = "tunewright"
_SEVERITIES = {
    Severity.ERROR: types.DiagnosticSeverity.Error,
    Severity.WARNING: types.DiagnosticSeverity.Warning,
    Severity.NOTE: types.DiagnosticSeverity.Information,
}
_UNUSED = frozenset({"TW2021"})


def diagnostics(snapshot: Snapshot) -> list[types.Diagnostic]:
    """Return the findings of a checked snapshot."""
    return [diagnostic(snapshot, item) for item in snapshot.found]


def diagnostic(snapshot: Snapshot, item: Diagnostic) -> types.Diagnostic:
    """Return one finding: message, label, notes and help as text; secondary labels as related places."""
    return types.Diagnostic(
        range=visible_range(snapshot, item),
        severity=_SEVERITIES[item.severity],
        code=item.code,
        source=SOURCE,
        message=_message(item),
        tags=[types.DiagnosticTag.Unnecessary] if item.code in _UNUSED else None,
        related_information=[
            types.DiagnosticRelatedInformation(
                location=types.Location(uri=snapshot.uri, range=snapshot.range_of(label.span)),
                message=label.text or item.message,
            )
            for label in item.labels
            if snapshot.owns(label.span)
        ]
        or None,
    )


def visible_range(snapshot: Snapshot, item: Diagnostic) -> types.Range:
    """Return where a finding is drawn: where nothing is written, the character beside it."""
    span = item.primary.span
    found = snapshot.range_of(span)
    if found.start == found.end:
        start = span.start if snapshot.owns(span) else 0
        wider = snapshot.range(start, start + 1)
        at_end = wider.start.line != wider.end.line or wider.start == wider.end
        found = snapshot.range(start - 1, start) if at_end else wider
    return found


def _message(item: Diagnostic) -> str:
    head = f"{item.message}: {item.primary.text}" if item.primary.text else item.message
    notes = [f"note: {note}" for note in item.notes]
    return "\n".join([head, *notes, *([f"help: {item.help}"] if item.help else [])])
