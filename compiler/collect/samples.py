"""Some rows of data files, spread evenly and the same ones every time."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from tunewright.spec.formats import parse_line, read_rows


def sample_rows(paths: Sequence[Path], rows: int, count: int, seed: str) -> Iterator[tuple[Path, int, dict[str, Any]]]:
    """Yield `count` of the first `rows` rows of files in their order, each after its file and line.

    One is taken of each stretch; which one the seed decides.
    Raises OSError and DataError for what can't be read.
    """
    wanted = iter(chosen(rows, count, seed))
    following = next(wanted, None)
    number = 0
    for path in paths:
        for line, content in _rows(path):
            if following is None:
                return
            if number == following:
                yield path, line, content if isinstance(content, dict) else parse_line(content, line)
                following = next(wanted, None)
            number += 1


def chosen(rows: int, count: int, seed: str) -> list[int]:
    """Return the numbers of the rows that are taken, rising. No library's generator: any Python takes the same ones."""
    if count >= rows:
        return list(range(rows))
    edges = [rows * part // count for part in range(count + 1)]
    return [begin + _drawn(seed, begin, end - begin) for begin, end in zip(edges, islice(edges, 1, None), strict=False)]


def _drawn(seed: str, stretch: int, length: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {stretch}".encode()).digest()[:8], "big") % length


def _rows(path: Path) -> Iterator[tuple[int, dict[str, Any] | bytes]]:
    """Yield the rows of a file; of JSONL the lines, so that only those that are taken need to be parsed."""
    if path.suffix != ".jsonl":
        yield from read_rows(path)
        return
    with path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.isspace():
                yield number, line
