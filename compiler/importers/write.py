"""A draft as the text of a spec: beside each line where it came from, at the end what could not be carried."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tunewright.compiler.importers.draft import Draft, Line, Remark
from tunewright.compiler.importers.options import printable

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./@+-]*", re.ASCII)
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "nan", "inf"})
_HUB = re.compile(r"(?:hf|ms)://[A-Za-z0-9_./@+-]+", re.ASCII)
_SECTIONS = ("base", "data", "suites", "steps", "resources")
_INDENT = "  "
_WIDEST_COLUMN = 56
_COMMENT_WIDTH = 110


def write_spec(draft: Draft) -> str:
    """Return the YAML text of a draft that was not refused."""
    rows = [*_tree(draft.lines)]
    column = min(_WIDEST_COLUMN, max((len(text) for text, origin in rows if origin), default=0))
    body = [f"{text:<{column}}  # {printable(origin, 160)}" if origin else text for text, origin in rows]
    origin = " and ".join(draft.frameworks)
    head = [
        f"# Imported from {printable(draft.source)} ({origin}). Beside each line: what it comes from.",
        "api_version: tunewright/v1",
        f"name: {draft.name}",
    ]
    lines = [*head, *body, *remark_lines(draft)]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def remark_lines(draft: Draft) -> list[str]:
    """Return everything that is no line of the spec, as comments."""
    return [
        *_remarks("Can't be carried: the spec means something else here.", draft.lost),
        *_remarks("Assumed: please look.", draft.assumed),
        *_remarks("Left out, and nothing is lost.", draft.left_out, together=True),
    ]


def _remarks(title: str, remarks: Sequence[Remark], *, together: bool = False) -> Iterable[str]:
    if not remarks:
        return
    yield ""
    yield f"# {title}"
    if not together:
        for remark in remarks:
            yield f"#   {printable(remark.subject, 90)}: {printable(remark.reason, 240)}"
        return
    groups: dict[str, list[str]] = {}
    for remark in remarks:
        groups.setdefault(remark.reason, []).append(printable(remark.subject))
    for reason, subjects in groups.items():
        yield f"#   {printable(reason, 240)}:"
        yield from _wrapped(subjects)


def _wrapped(subjects: Sequence[str]) -> Iterable[str]:
    row = ""
    for subject in subjects:
        if row and len(row) + len(subject) > _COMMENT_WIDTH:
            yield f"#     {row}"
            row = ""
        row = f"{row}, {subject}" if row else subject
    yield f"#     {row}"


def _tree(lines: Iterable[Line]) -> Iterable[tuple[str, str]]:
    """Yield each row of the mapping with its origin; rows without one open a section."""
    nested: dict[str, Any] = {}
    for line in lines:
        place = nested
        for part in line.path[:-1]:
            place = place.setdefault(part, {})
        place[line.path[-1]] = line
    for section in _SECTIONS:
        if section in nested:
            yield from _rows(section, nested[section], 0)


def _rows(key: str, value: Any, depth: int) -> Iterable[tuple[str, str]]:
    if isinstance(value, Line):
        yield f"{_INDENT * depth}{scalar(key)}: {scalar(value.value)}", value.origin
        return
    yield f"{_INDENT * depth}{scalar(key)}:", ""
    for name, inner in value.items():
        yield from _rows(name, inner, depth + 1)


def scalar(value: Any) -> str:
    """Return a value as YAML 1.2 on one line."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return str(int(value)) if value == int(value) and abs(value) < 1e15 else repr(value)
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{key}: {scalar(item)}' for key, item in value.items())}}}"
    if isinstance(value, tuple | list):
        return f"[{', '.join(scalar(item) for item in value)}]"
    text = str(value)
    if (
        _PLAIN.fullmatch(text) and text.lower() not in _WORDS and any(letter.isalpha() for letter in text)
    ) or _HUB.fullmatch(text):
        return text
    # JSON's strings are YAML's; what nobody sees stays escaped.
    visible = all(letter.isprintable() for letter in text)
    return json.dumps(text, ensure_ascii=not visible)
