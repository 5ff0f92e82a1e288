"""Text from outside made safe to show: nothing in data, logs or replies may steer the reader's terminal."""

import re

# Control characters of both ranges, and those that turn the direction of what follows.
_UNSAFE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u2028\u2029\ud800-\udfff]")
_UNSAFE_IN_LINE = re.compile(_UNSAFE.pattern[:-1] + r"\n\t]")
_COLOUR = re.compile(r"(\x1b\[[0-9;]*m)")


def clean(text: str) -> str:
    """Return `text` with control characters written out (`\\x1b`); line ends and tabs stay."""
    return _UNSAFE.sub(_written_out, text)


def clean_line(text: str) -> str:
    """Return `text` as one line: line ends and tabs are written out as well."""
    return _UNSAFE_IN_LINE.sub(_written_out, text)


def clean_but_colours(text: str) -> str:
    """Return `text` cleaned, with the colour sequences that our own renderers put in."""
    return "".join(part if _COLOUR.fullmatch(part) else clean(part) for part in _COLOUR.split(text))


def shorten(text: str, width: int) -> str:
    """Return `text` in at most `width` characters, with a mark where something was cut."""
    return text if len(text) <= width else text[: max(0, width - 1)].rstrip() + "…"


def _written_out(match: re.Match[str]) -> str:
    character = match.group()
    named = {"\n": "\\n", "\t": "\\t", "\r": "\\r"}
    code = ord(character)
    return named.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")
