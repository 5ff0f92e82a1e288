"""Diagnostics are values: collected, never thrown, drawn elsewhere."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

from tunewright.spec.codes import CODES, Severity
from tunewright.spec.record import record
from tunewright.spec.source import Span


@record
class Label:
    """A span with a short text beside it."""

    span: Span
    text: str = ""


@record
class Edit:
    """A change of the text that would mend the mistake: put `replacement` where `span` is."""

    span: Span
    replacement: str


@record(kw_only=True)
class Diagnostic:
    """One finding. `message` stands alone: lower case, no final period, names in backticks; the remedy is in `help`
    only.
    """

    code: str
    message: str
    primary: Label
    labels: tuple[Label, ...] = ()
    help: str | None = None
    edit: Edit | None = None
    notes: tuple[str, ...] = ()
    severity: Severity = Severity.ERROR

    @property
    def name(self) -> str:
        """The kebab-case name of the code."""
        return CODES[self.code].name


@dataclass(slots=True)
class DiagnosticSink:
    """Collects the findings of the passes; the same mistake found twice counts once."""

    _items: dict[tuple[str, str, int, int], Diagnostic] = field(default_factory=dict)

    def report(
        self,
        code: str,
        message: str,
        span: Span,
        label: str = "",
        *,
        labels: Iterable[Label] = (),
        help: str | None = None,  # noqa: A002 - the word users read
        edit: Edit | None = None,
        notes: Iterable[str] = (),
    ) -> None:
        """Add a finding of a code of the table, at a span."""
        item = Diagnostic(
            code=code,
            message=message,
            primary=Label(span, label),
            labels=tuple(labels),
            help=help,
            edit=edit,
            notes=tuple(notes),
            severity=CODES[code].severity,
        )
        self._items.setdefault((code, span.source.name, span.start, span.end), item)

    def extend(self, items: Iterable[Diagnostic]) -> None:
        """Add findings made elsewhere."""
        for item in items:
            span = item.primary.span
            self._items.setdefault((item.code, span.source.name, span.start, span.end), item)

    def accept(self, codes: frozenset[str]) -> frozenset[str]:
        """Take out the warnings of these codes; return the codes of those there were."""
        accepted = {
            key: item for key, item in self._items.items() if item.code in codes and item.severity is not Severity.ERROR
        }
        for key in accepted:
            del self._items[key]
        return frozenset(item.code for item in accepted.values())

    def withdraw(self, span: Span, codes: frozenset[str]) -> None:
        """Take out the findings of these codes at a span, because something stronger is said about it."""
        for code in codes:
            self._items.pop((code, span.source.name, span.start, span.end), None)

    def escalate(self, code: str, note: str) -> None:
        """Make the warnings of a code errors; the note says who wants it."""
        for key, item in self._items.items():
            if item.code == code:
                self._items[key] = replace(item, severity=Severity.ERROR, notes=(*item.notes, note))

    def __iter__(self) -> Iterator[Diagnostic]:
        return iter(
            sorted(
                self._items.values(),
                key=lambda item: (item.primary.span.source.name, item.primary.span.start, item.code),
            )
        )

    @property
    def has_errors(self) -> bool:
        """True when at least one finding is an error."""
        return any(item.severity is Severity.ERROR for item in self._items.values())
