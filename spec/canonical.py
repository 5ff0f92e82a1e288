"""One byte form for a JSON value (RFC 8785), and the digests made from it. Standard library only."""

import hashlib
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from json.encoder import encode_basestring as _quoted
from pathlib import Path
from typing import Any

from tunewright.spec.tree import FileEntry, scan_tree

_MAX_SAFE_INTEGER = 2**53 - 1
#: Orders of keys that are remembered, and the longest of them: as many as programs write, not as many as data have.
_MOST_ORDERS, _MOST_KEYS = 512, 32
_orders: dict[tuple[str, ...], tuple[tuple[str, str], ...]] = {}
_TREE_PREFIX = b"tunewright/tree/v1\n"


class CanonicalError(ValueError):
    """The value has no canonical form: NaN, infinity, an integer beyond 2**53 - 1, a lone surrogate, a key that is not
    text.
    """


def canonical_json(value: Any) -> bytes:
    """Return the RFC 8785 (JCS) bytes of `value`; raise CanonicalError where there is none."""
    try:
        return _writers[type(value)](value).encode("utf-8")
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


def _literal(value: bool | None) -> str:
    return "null" if value is None else "true" if value else "false"


def _integer(value: int) -> str:
    if abs(value) > _MAX_SAFE_INTEGER:
        raise CanonicalError(f"integer {value} is beyond 2**53 - 1")
    return int.__repr__(value)


def _array(value: Sequence[Any]) -> str:
    return f"[{','.join([_writers[type(item)](item) for item in value])}]"


def _object(value: Mapping[Any, Any]) -> str:
    order = _orders.get(shape := tuple(value))
    if order is None:
        order = _order(shape)
    return f"{{{','.join([start + _writers[type(item)](item) for key, start in order for item in (value[key],)])}}}"


def _order(keys: tuple[Any, ...]) -> tuple[tuple[str, str], ...]:
    """Return keys in their order, each with the text that it begins with; most objects have a shape that was seen."""
    for key in keys:
        if not isinstance(key, str):
            raise CanonicalError(f"key {key!r} is not text")
    # JCS orders keys by UTF-16 code units, which differs from Python's order beyond the basic plane.
    is_plain = all(map(str.isascii, keys))
    ordered = sorted(keys) if is_plain else sorted(keys, key=lambda text: text.encode("utf-16-be", "surrogatepass"))
    found = tuple((key, f"{_quoted(key)}:") for key in ordered)
    if len(keys) <= _MOST_KEYS:
        if len(_orders) >= _MOST_ORDERS:
            _orders.clear()
        _orders[keys] = found
    return found


def _number(value: float) -> str:
    """Write a double as ECMAScript does (RFC 8785, 3.2.2.3)."""
    if not math.isfinite(value):
        raise CanonicalError(f"{value} is not a JSON number")
    if value == 0:
        return "0"
    text = float.__repr__(value).removesuffix(".0")
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


class _Writers(dict[type, Callable[[Any], str]]):
    """How each type of value is written, found once: every value of every plan is looked up here."""

    def __missing__(self, kind: type) -> Callable[[Any], str]:
        for base, writer in _KINDS:
            if issubclass(kind, base):
                self[kind] = writer
                return writer
        raise CanonicalError(f"{kind.__name__} is not a JSON value")


#: A subclass (an enum's text, a read-only mapping) is written as the first kind that it is.
_KINDS: tuple[tuple[Any, Callable[[Any], str]], ...] = (
    (type(None), _literal),
    (bool, _literal),
    (str, _quoted),
    (int, _integer),
    (float, _number),
    (Mapping, _object),
    (list, _array),
    (tuple, _array),
)
_writers = _Writers()
