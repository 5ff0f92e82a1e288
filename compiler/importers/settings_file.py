"""Settings files as options: YAML through the language's own parser, JSON with the same limits."""

import json
from collections.abc import Mapping
from typing import Any

from tunewright.compiler.importers.options import Option
from tunewright.spec.diagnostics import DiagnosticSink
from tunewright.spec.source import SourceFile
from tunewright.spec.syntax import MAX_DEPTH, MappingNode, parse_node, plain_value


class InputError(ValueError):
    """A text is nothing that can be imported: one sentence with the place."""


def read_settings(name: str, text: str) -> tuple[Option, ...]:
    """Return the options of a YAML or JSON settings file, with their lines; raise InputError."""
    return _read_json(name, text) if name.endswith(".json") else _read_yaml(name, text)


def _read_yaml(name: str, text: str) -> tuple[Option, ...]:
    sink = DiagnosticSink()
    try:
        node = parse_node(SourceFile(name, text), sink)
    except UnicodeError:
        raise InputError(f"`{name}` is not UTF-8 text") from None
    for item in sink:
        line = item.primary.span.begin.line
        raise InputError(f"{name}:{line}: {item.message}" + (f"; {item.help}" if item.help else ""))
    if not isinstance(node, MappingNode):
        raise InputError(f"`{name}` holds no options: settings are a mapping of names to values")
    return tuple(Option(key, plain_value(entry.value), entry.key.begin.line) for key, entry in node.entries.items())


def _read_json(name: str, text: str) -> tuple[Option, ...]:
    try:
        value = json.loads(text)
    except json.JSONDecodeError as error:
        raise InputError(f"{name}:{error.lineno}: not JSON: {error.msg}") from None
    except (ValueError, RecursionError):
        raise InputError(f"`{name}` is not JSON that can be read") from None
    if not isinstance(value, dict):
        raise InputError(f"`{name}` holds no options: settings are an object of names and values")
    return tuple(Option(key, _frozen(item, name, 0)) for key, item in value.items())


def _frozen(value: Any, name: str, depth: int) -> Any:
    """Return lists as tuples, as the YAML parser gives them."""
    if depth > MAX_DEPTH:
        raise InputError(f"`{name}` is nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, list):
        return tuple(_frozen(item, name, depth + 1) for item in value)
    if isinstance(value, Mapping):
        return {str(key): _frozen(item, name, depth + 1) for key, item in value.items()}
    return value
