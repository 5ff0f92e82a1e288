"""textDocument/hover: what a key means, what its value came to, what is known of a name, why a finding is one."""

import json
from typing import Any

from lsprotocol import types

from tunewright.client.cli.exits import CommandError
from tunewright.client.cli.view.explained import Explained, Row, explained
from tunewright.client.lsp.about import about, code, plain, table_row
from tunewright.client.lsp.cursor import Place, place_at
from tunewright.client.lsp.diagnostics import visible_range
from tunewright.client.lsp.fields import kind_at, language_path, meaning_at, text_at
from tunewright.client.lsp.names import Kind, occurrence_at
from tunewright.client.lsp.snapshot import Snapshot
from tunewright.compiler.ir.resolved import Origin
from tunewright.compiler.rules import explanation
from tunewright.spec.codes import CODES
from tunewright.spec.document import dotted
from tunewright.spec.source import Span

_MAX_ROWS = 16


def hover(snapshot: Snapshot, position: types.Position) -> types.Hover | None:
    """Return what is known of the thing at a position, None where there is nothing to say."""
    tree = snapshot.tree
    if tree is None:
        return None
    offset = snapshot.offset(position)
    place = place_at(tree, offset)
    name = occurrence_at(tree, offset)
    span: Span | None = name.span if name is not None else place.span if place is not None else None
    parts: list[str] = []
    if place is not None:
        parts.append(_head(place))
    if name is not None:
        parts.append(about(name.kind, name.name, snapshot.known))
    if place is not None:
        parts.append(_about_value(snapshot, place) if name is None or place.is_key else "")
        parts.append(_code(str(span.text)) if span is not None and place.path[-1:] == ("code",) else "")
    parts += _findings(snapshot, position)
    text = "\n\n".join(part for part in parts if part)
    if not text:
        return None
    where = snapshot.range_of(span) if span is not None else None
    return types.Hover(contents=types.MarkupContent(kind=types.MarkupKind.Markdown, value=text), range=where)


def _head(place: Place) -> str:
    """Say what the language means by a key; below it users' own names have no such text."""
    text, kind = text_at(place.path), kind_at(place.path)
    if not text:
        return ""
    key = next((part for part in reversed(place.path) if isinstance(part, str)), "")
    written = "" if place.is_key or place.span is None else place.span.text.strip("\"'")
    meaning = meaning_at(place.path, written)
    value = f"\n\n{code(written)}: {meaning}" if meaning else ""
    return f"{code(str(key))}{f' ({code(kind)})' if kind else ''}\n\n{text}{value}"


def _about_value(snapshot: Snapshot, place: Place) -> str:
    if language_path(place.path)[:2] == ("base", "model"):
        return about(Kind.BASE, "base", snapshot.known)
    return _resolved(snapshot, place)


def _resolved(snapshot: Snapshot, place: Place) -> str:
    """Return what the compiler made of a place of a step; profiles are resolved only where they are chosen."""
    compilation = snapshot.known
    path = language_path(place.path)
    is_setting = len(path) >= 3 and path[0] == "steps" and path == place.path
    if compilation is None or not (is_setting or path == ("seed",)):
        return ""
    named = path if all(isinstance(part, str) for part in path) else path[:4]
    try:
        found = explained(compilation, dotted(named))
    except CommandError:
        return ""
    return _table(found)


def _table(found: Explained) -> str:
    rows = [row for row in found.rows if row.value is not None]
    if not rows:
        return ""
    if len(rows) == 1 and rows[0].path == found.path:
        if rows[0].origin.startswith(Origin.WRITTEN):
            return ""  # it stands right there
        lines = [f"resolved: {code(_word(rows[0].value))}, {plain(rows[0].origin)}"]
    else:
        lines = ["| resolved | | from |", "|---|---|---|"] + [_line(found.path, row) for row in rows[:_MAX_ROWS]]
        if len(rows) > _MAX_ROWS:
            lines.append(f"| and {len(rows) - _MAX_ROWS} more | | |")
    if found.alternatives:
        lines += ["", "not taken:", *(f"- {plain(choice)}: {plain(reason)}" for choice, reason in found.alternatives)]
    return "\n".join(lines)


def _line(path: str, row: Row) -> str:
    return table_row(row.path.removeprefix(f"{path}."), _word(row.value), row.origin)


def _word(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _findings(snapshot: Snapshot, position: types.Position) -> list[str]:
    """Explain the findings at a position: their message the editor shows anyway."""
    found = snapshot.found
    codes = dict.fromkeys(item.code for item in found if _holds(visible_range(snapshot, item), position))
    return [_code(item) for item in codes]


def _holds(span: types.Range, position: types.Position) -> bool:
    return span.start <= position and position <= span.end


def _code(number: str) -> str:
    rule = explanation(number)
    if number not in CODES or rule is None:
        return ""
    return f"**{number}** {CODES[number].name}: {plain(rule.why)}"
