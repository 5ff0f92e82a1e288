"""Diagnostics drawn for people: the line, the caret, the reason, the remedy."""

from collections.abc import Callable, Iterable

from tunewright.compiler.render.excerpt import Excerpt, excerpt
from tunewright.compiler.render.plain import clean, clean_line
from tunewright.spec.diagnostics import Diagnostic, Label
from tunewright.spec.source import Span

_STYLES = {
    "error": "\x1b[1;31m",
    "warning": "\x1b[1;33m",
    "note": "\x1b[1;36m",
    "frame": "\x1b[1;34m",
    "bold": "\x1b[1m",
}
_RESET = "\x1b[0m"

Paint = Callable[[str, str], str]
"""Text and the name of a style to text."""


def render_full(diagnostics: Iterable[Diagnostic], *, colour: bool = False) -> str:
    """Return the findings as text, one block each with an empty line between."""
    return "\n".join(_block(item, colour) for item in diagnostics)


def _block(item: Diagnostic, colour: bool) -> str:
    def paint(text: str, style: str) -> str:
        safe = clean(text)
        return f"{_STYLES[style]}{safe}{_RESET}" if colour and safe else safe

    severity = str(item.severity)
    lines = [f"{paint(f'{severity}[{item.code}]', severity)}{paint(': ' + item.message, 'bold')}"]
    labels = [item.primary, *item.labels]
    width = len(str(max(label.span.begin.line for label in labels)))
    pad = " " * width
    begin = item.primary.span.begin
    lines.append(
        f"{pad}{paint('-->', 'frame')} {clean_line(item.primary.span.source.name)}:{begin.line}:{begin.column}"
    )
    if item.primary.span.source.text:
        lines.append(f"{pad} {paint('|', 'frame')}")
        lines += _excerpt(item, labels, width, paint)
    if item.help:
        lines.append(f"{pad} {paint('=', 'frame')} {paint('help:', 'bold')} {clean(item.help)}")
    notes = [*item.notes, f"`tunewright explain {item.code}`"]
    lines += [f"{pad} {paint('=', 'frame')} {paint('note:', 'bold')} {clean(note)}" for note in notes]
    return "\n".join(lines) + "\n"


def _excerpt(item: Diagnostic, labels: list[Label], width: int, paint: Paint) -> list[str]:
    lines: list[str] = []
    by_source: dict[str, list[Label]] = {}
    for label in labels:
        by_source.setdefault(label.span.source.name, []).append(label)
    for name, members in by_source.items():
        if name != item.primary.span.source.name:
            lines.append(f"{' ' * width}{paint(':::', 'frame')} {clean_line(name)}")
        previous, shown = None, excerpt("", 1)
        for label in sorted(members, key=lambda member: member.span.start):
            number = label.span.begin.line
            if number != previous:
                shown = excerpt(label.span.source.line_text(number), label.span.begin.column)
                lines.append(f"{paint(f'{number:>{width}} |', 'frame')} {shown.text}")
            previous = number
            lines.append(_mark(label, shown, label is item.primary, str(item.severity), width, paint))
    return lines


def _mark(label: Label, shown: Excerpt, primary: bool, severity: str, width: int, paint: Paint) -> str:
    begin, end = _extent(label.span, shown)
    mark = ("^" if primary else "-") * (end - begin)
    text = f"{mark} {label.text}".rstrip()
    return f"{' ' * width} {paint('|', 'frame')} {' ' * begin}{paint(text, severity if primary else 'frame')}"


def _extent(span: Span, shown: Excerpt) -> tuple[int, int]:
    """Return the cells (begin, end) of the mark under the first line of a span; at least one."""
    begin, finish = span.begin, span.finish
    line = span.source.line_text(begin.line)
    end = finish.column if finish.line == begin.line else len(line.rstrip()) + 1
    first = shown.cell(begin.column)
    return first, max(first + 1, shown.cell(end))
