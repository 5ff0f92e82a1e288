"""What pydantic finds, said in the language's own words: code, message, help."""

import re
from typing import Any

from pydantic_core import ErrorDetails

from tunewright.spec.document import Path, dotted
from tunewright.spec.suggest import listed, nearest, suggestion

_TYPES = {
    "string_type": "text",
    "int_type": "a whole number",
    "float_type": "a number",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "dict_type": "a mapping",
    "model_type": "a mapping",
    "model_attributes_type": "a mapping",
    "int_from_float": "a whole number",
}

_RANGES = {
    "greater_than": ("gt", "greater than {0}"),
    "greater_than_equal": ("ge", "at least {0}"),
    "less_than": ("lt", "less than {0}"),
    "less_than_equal": ("le", "at most {0}"),
}

_BOOLEAN_WORDS = {"yes": "true", "on": "true", "no": "false", "off": "false"}


def name_rule(pattern: str) -> str:
    """Return what names that fit a pattern are made of."""
    marks = [f"`{mark}`" for mark in "_-" if re.match(pattern, f"a{mark}a")]
    *first, last = ["lower-case letters", "digits", *marks]
    begins = "" if re.match(pattern, "1a") else ", and begins with a letter"
    return f"a name has {', '.join(first)} and {last}{begins}"


def describe(detail: ErrorDetails, path: Path) -> tuple[str, str, str | None]:
    """Return `(code, message, help)` of a finding that is neither a missing nor an unknown key."""
    kind, value, context = detail["type"], detail["input"], detail.get("ctx") or {}
    name = f"`{dotted(path)}`"
    if kind in _TYPES:
        return _wrong_type(_TYPES[kind], value, name)
    if kind in _RANGES:
        key, words = _RANGES[kind]
        return "TW1005", f"{name} must be {words.format(_plain(context[key]))}, not {_plain(value)}", None
    match kind:
        case "literal_error":
            return _unknown_value(context["expected"], value, path)
        case "too_short":
            return "TW1005", f"{name} must not be empty", None
        case "string_too_short":
            return "TW1005", f"{name} must have at least {context['min_length']} characters", None
        case "string_pattern_mismatch" if path == ("name",):
            return (
                "TW1006",
                f"`{value}` is not a name",
                "a spec's name has lower-case letters, digits and `-`, and begins with a letter",
            )
        case "string_pattern_mismatch" if path[0] in ("allow", "errors"):
            return "TW1009", f"`{value}` is not a code", "a code is `TW` and four digits, such as `TW2011`"
        case "string_pattern_mismatch":
            return (
                "TW1006",
                f"`{value}` is not a name",
                name_rule(context["pattern"]),
            )
        case "finite_number":
            return "TW1005", f"{name} must be a finite number", None
        case "int_parsing_size":
            return "TW1005", f"{name} is too large", None
        case "duration" | "size":
            return "TW1009", detail["msg"], _unit_help(value, "s" if kind == "duration" else "GiB")
        case _:
            return "TW1002", f"{name}: {detail['msg'][0].lower()}{detail['msg'][1:]}", None


def _wrong_type(expected: str, value: Any, name: str) -> tuple[str, str, str | None]:
    if expected == "true or false" and isinstance(value, str) and value.lower() in _BOOLEAN_WORDS:
        return "TW1012", f"`{value}` is text, not a truth value", f"did you mean `{_BOOLEAN_WORDS[value.lower()]}`?"
    message = f"{name} must be {expected}, not {_kind(value)}"
    if expected == "a number" and isinstance(value, str) and value.strip():
        return "TW1002", message, _number_help(value)
    if expected == "a whole number" and isinstance(value, float) and value == int(value):
        return "TW1002", message, f"did you mean `{int(value)}`?"
    if expected == "text" and isinstance(value, int | float) and not isinstance(value, bool):
        return "TW1002", message, f'did you mean `"{_plain(value)}"`?'
    if value is None:
        return "TW1002", message, "write a value, or remove the key: the compiler then chooses and says what"
    return "TW1002", message, None


def _number_help(value: str) -> str | None:
    try:
        float(value.replace(",", "."))
    except ValueError:
        return None
    return f"did you mean `{value.replace(',', '.')}`? (without quotes)"


def _unknown_value(expected: str, value: Any, path: Path) -> tuple[str, str, str | None]:
    known = [word.strip().strip("'") for word in expected.replace(" or ", ", ").split(",")]
    if path == ("api_version",):
        return "TW1007", f"api_version `{_plain(value)}` is not supported", f"did you mean `{known[-1]}`?"
    near = nearest(str(value), known) if isinstance(value, str) else None
    help_text = suggestion(near, f"known: {listed(known, 16)}")
    return "TW1004", f"unknown {path[-1] if isinstance(path[-1], str) else 'value'} `{_plain(value)}`", help_text


def _unit_help(value: Any, unit: str) -> str | None:
    return f"did you mean `{value}{unit}`?" if isinstance(value, int | float) else None


def _kind(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return f"`{str(value).lower()}`"
        case str():
            return f"text (`{value if len(value) <= 32 else value[:29] + '...'}`)"
        case int() | float():
            return f"the number {_plain(value)}"
        case dict():
            return "a mapping"
        case _:
            return "a list"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:g}"
    return "nothing" if value is None else str(value)
