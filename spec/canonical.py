"""One byte form for a JSON value (RFC 8785), and the digests made from it. Standard library only."""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tunewright.spec.tree import FileEntry, scan_tree

_text = json.JSONEncoder(ensure_ascii=False).encode
_MAX_SAFE_INTEGER = 2**53 - 1
_TREE_PREFIX = b"tunewright/tree/v1\n"


class CanonicalError(ValueError):
    """The value has no canonical form: NaN, infinity, an integer beyond 2**53 - 1, a lone surrogate, a key that is not
    text.
    """


def canonical_json(value: Any) -> bytes:
    """Return the RFC 8785 (JCS) bytes of `value`; raise CanonicalError where there is none."""
    pieces: list[str] = []
    _write(value, pieces)
    try:
        return "".join(pieces).encode("utf-8")
    except UnicodeEncodeError as error:
        raise CanonicalError("text holds a lone surrogate") from error


def digest_of(value: Any) -> str:
    """Return `sha256:<hex>` of the canonical bytes of a JSON value."""
    return digest_of_bytes(canonical_json(value))


def digest_of_bytes(content: bytes) -> str:
    """Return `sha256:<hex>` of raw bytes."""
    return "sha256:" + hashlib.sha256(content).hexdigest()


def digest_of_file(path: Path) -> str:
    """Return `sha256:<hex>` of a file's content, read in blocks."""
    with path.open("rb") as stream:
        return "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()


def digest_of_entries(entries: Iterable[FileEntry]) -> str:
    """Return the tree digest of file entries: path, size and content are bound, the order of the scan is not."""
    rows = [
        {"path": entry.path, "sha256": entry.sha256, "size": entry.size}
        for entry in sorted(entries, key=lambda entry: entry.path.encode("utf-8"))
    ]
    return digest_of_bytes(_TREE_PREFIX + canonical_json(rows))


def digest_of_tree(root: Path) -> str:
    """Return the tree digest of a folder; raise TreeError for links, special files and names that collide."""
    return digest_of_entries(scan_tree(root))


def _write(value: Any, pieces: list[str]) -> None:
    match value:
        case None:
            pieces.append("null")
        case bool():
            pieces.append("true" if value else "false")
        case str():
            pieces.append(_text(value))
        case int():
            if abs(value) > _MAX_SAFE_INTEGER:
                raise CanonicalError(f"integer {value} is beyond 2**53 - 1")
            pieces.append(str(value))
        case float():
            pieces.append(_number(value))
        case Mapping():
            _write_object(value, pieces)
        case list() | tuple():
            pieces.append("[")
            for index, item in enumerate(value):
                if index:
                    pieces.append(",")
                _write(item, pieces)
            pieces.append("]")
        case _:
            raise CanonicalError(f"{type(value).__name__} is not a JSON value")


def _write_object(value: Mapping[Any, Any], pieces: list[str]) -> None:
    for key in value:
        if not isinstance(key, str):
            raise CanonicalError(f"key {key!r} is not text")
    pieces.append("{")
    # JCS orders keys by UTF-16 code units, which differs from Python's order beyond the basic plane.
    is_plain = all(map(str.isascii, value))
    order = sorted(value) if is_plain else sorted(value, key=lambda text: text.encode("utf-16-be", "surrogatepass"))
    for index, key in enumerate(order):
        if index:
            pieces.append(",")
        pieces.append(_text(key))
        pieces.append(":")
        _write(value[key], pieces)
    pieces.append("}")


def _number(value: float) -> str:
    """Write a double as ECMAScript does (RFC 8785, 3.2.2.3)."""
    if not math.isfinite(value):
        raise CanonicalError(f"{value} is not a JSON number")
    if value == 0:
        return "0"
    text = repr(value).removesuffix(".0")
    mantissa, _, exponent = text.partition("e")
    if not exponent:
        return text
    power = int(exponent)
    if 0 < power < 21:
        whole, _, decimals = mantissa.partition(".")
        return whole + decimals.ljust(power, "0")
    if -6 <= power < 0:
        sign = "-" if value < 0 else ""
        digits = mantissa.lstrip("-").replace(".", "")
        return f"{sign}0.{'0' * (-power - 1)}{digits}"
    return f"{mantissa.removesuffix('.0')}e{'+' if power > 0 else '-'}{abs(power)}"
