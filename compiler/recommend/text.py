"""A recommendation as the text of a spec: one line a choice, the reason behind it as a comment."""

import json
import re
import textwrap
from collections.abc import Iterable, Iterator
from typing import Any

from tunewright.compiler.recommend.situation import Choice
from tunewright.spec.syntax import resolve_scalar

_WIDTH = 116
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_./@+*() -]*(?:://[A-Za-z0-9_./@-]+)?|[A-Za-z]+:[A-Za-z0-9_./@-]+")


def spec_text(choices: Iterable[Choice], *head: str) -> str:
    """Return the YAML text of choices in their order, below comment lines."""
    lines = [f"# {line}" for line in head]
    before: tuple[str, ...] = ()
    for choice in choices:
        lines += _headings(before, choice.path)
        lines += _line(choice)
        before = choice.path
    return "\n".join(lines) + "\n"


def _headings(before: tuple[str, ...], path: tuple[str, ...]) -> Iterator[str]:
    """Yield the keys that open the mappings of a path which are not open yet."""
    shared = 0
    while shared < min(len(before), len(path)) - 1 and before[shared] == path[shared]:
        shared += 1
    if shared == 0 and before and (len(path) > 1 or len(before) > 1):
        yield ""
    for depth in range(shared, len(path) - 1):
        yield f"{'  ' * depth}{path[depth]}:"


def _line(choice: Choice) -> Iterator[str]:
    indent = "  " * (len(choice.path) - 1)
    key = choice.path[-1]
    written = f"{indent}- {_value(choice.value)}" if key == "-" else f"{indent}{key}: {_value(choice.value)}"
    if not choice.reason:
        yield written
    elif len(written) + len(choice.reason) + 3 <= _WIDTH:
        yield f"{written} # {choice.reason}"
    else:
        yield from (f"{indent}# {line}" for line in textwrap.wrap(choice.reason, _WIDTH - len(indent) - 2))
        yield written


def _value(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return _number(value)
        case dict():
            return "{" + ", ".join(f"{key}: {_value(item)}" for key, item in value.items()) + "}"
        case str():
            return _text(value)
        case _:
            return str(value)


def _text(text: str) -> str:
    """Return a text plain where YAML reads it back as the same text, else in double quotes."""
    if _PLAIN.fullmatch(text) and text == text.strip() and isinstance(resolve_scalar(text), str):
        return text
    return json.dumps(text, ensure_ascii=False)


def _number(value: float) -> str:
    if value == int(value) and abs(value) < 1e15:
        return str(int(value))
    if abs(value) >= 0.001:
        return f"{value:g}"
    digits, exponent = f"{value:.6e}".split("e")
    return f"{float(digits)}e{int(exponent)}"
