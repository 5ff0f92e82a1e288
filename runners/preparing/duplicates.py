"""Rows that repeat an earlier one: word for word by a digest, nearly so by MinHash signatures. Needs numpy for `near`.

Memory grows with the rows that are kept, not with their length: about 100 bytes a row for `exact`, 1 KB for `near`.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

#: Characters that a shingle has: long enough for Western words, short enough for Chinese ones.
_SHINGLE = 5
#: Hash functions of a signature, in so many bands: two rows are compared when any whole band is equal.
_HASHES, _BANDS = 64, 8
#: Share of shingles that near duplicates have in common (Jaccard), as the signature estimates it.
_ALIKE = 0.8
#: Shingles hashed at once: bounds the memory that a very long row takes.
_BLOCK = 4096
_SEED = 20_240_607


class Duplicates(Protocol):
    """Remembers the rows that were kept."""

    def first(self, row: Mapping[str, Any], number: int) -> int | None:
        """Return the number of the kept row that this one repeats, or None and keep this one as `number`."""
        ...


class NoDuplicates:
    """Every row is kept."""

    def first(self, row: Mapping[str, Any], number: int) -> int | None:  # noqa: ARG002 - the protocol's form
        """Return None."""
        return None


class ExactDuplicates:
    """Rows in normal form that are equal in all that is learned from them."""

    def __init__(self) -> None:
        self._seen: dict[bytes, int] = {}

    def first(self, row: Mapping[str, Any], number: int) -> int | None:
        """See `Duplicates`."""
        text = json.dumps(row, sort_keys=True, ensure_ascii=True)
        found = self._seen.setdefault(hashlib.blake2b(text.encode(), digest_size=16).digest(), number)
        return None if found == number else found


class NearDuplicates:
    """Rows that share nearly all shingles column by column (MinHash with banding, Broder 1997).

    Rows whose numbers or labels differ are never taken for duplicates: ticket 17 is not ticket 71.
    """

    def __init__(self) -> None:
        import numpy

        chance = numpy.random.default_rng(_SEED)
        self._odd, self._shift = (chance.integers(0, 2**63, _HASHES, dtype=numpy.uint64) for _ in range(2))
        self._odd |= numpy.uint64(1)
        self._powers = chance.integers(0, 2**63, _SHINGLE, dtype=numpy.uint64) | numpy.uint64(1)
        self._bands: list[dict[bytes, int]] = [{} for _ in range(_BANDS)]
        self._kept: dict[int, Any] = {}

    def first(self, row: Mapping[str, Any], number: int) -> int | None:
        """See `Duplicates`."""
        signature = self._signature(row)
        guard = _guard(row)
        width = _HASHES // _BANDS
        parts = (signature[band * width : (band + 1) * width].tobytes() for band in range(_BANDS))
        keys = [hashlib.blake2b(guard + part, digest_size=8).digest() for part in parts]
        for known, key in zip(self._bands, keys, strict=True):
            found = known.get(key)
            if found is not None and float((self._kept[found] == signature).mean()) >= _ALIKE:
                return found
        for known, key in zip(self._bands, keys, strict=True):
            known.setdefault(key, number)
        self._kept[number] = signature
        return None

    def _signature(self, row: Mapping[str, Any]) -> Any:
        import numpy

        smallest = numpy.full(_HASHES, 2**32 - 1, dtype=numpy.uint64)
        with numpy.errstate(over="ignore"):
            for shingles in self._shingles(row):
                hashes = (shingles[:, None] * self._odd + self._shift) >> numpy.uint64(32)
                smallest = numpy.minimum(smallest, hashes.min(axis=0))
        # 16 bits tell two rows apart well enough, and halve what is remembered.
        return smallest.astype(numpy.uint16)

    def _shingles(self, row: Mapping[str, Any]) -> Iterator[Any]:
        import numpy

        for column, text in _texts(row):
            codes = numpy.frombuffer(text.encode("utf-32-le", "replace"), dtype=numpy.uint32).astype(numpy.uint64)
            if len(codes) < _SHINGLE:
                codes = numpy.pad(codes, (0, _SHINGLE - len(codes)))
            place = int.from_bytes(hashlib.blake2b(column.encode(), digest_size=8).digest())
            for start in range(0, len(codes) - _SHINGLE + 1, _BLOCK):
                part = codes[start : start + _BLOCK + _SHINGLE - 1]
                last = len(part) - _SHINGLE + 1
                parts = (part[offset : offset + last] * self._powers[offset] for offset in range(_SHINGLE))
                yield numpy.unique(sum(parts, numpy.uint64(place)))


def duplicates(how: str | None) -> Duplicates:
    """Return the memory for `exact`, `near` or None."""
    match how:
        case "exact":
            return ExactDuplicates()
        case "near":
            return NearDuplicates()
        case _:
            return NoDuplicates()


def _texts(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the columns that hold text, the turns of a conversation joined, without what readers do not see."""
    for column, value in sorted(row.items()):
        written = value if isinstance(value, str) else _joined(value)
        if written:
            yield column, re.sub(r"\s+", " ", unicodedata.normalize("NFKC", written).casefold()).strip()


def _joined(value: Any) -> str:
    if not isinstance(value, list):
        return ""
    return "\n".join(json.dumps(turn, sort_keys=True, ensure_ascii=False) for turn in value)


def _guard(row: Mapping[str, Any]) -> bytes:
    """Return a digest of what must be equal in near duplicates: labels, and all numbers in their order."""
    numbers = [re.findall(r"\d+", text) for _, text in _texts(row)]
    return hashlib.blake2b(json.dumps([row.get("label"), numbers]).encode(), digest_size=8).digest()
