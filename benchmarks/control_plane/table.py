"""The table: what was measured, the raw limit of this machine in the same run, and what is promised."""

from collections.abc import Iterable
from dataclasses import dataclass

_HEAD = ("what", "measured", "raw limit", "ratio", "promised", "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One line. `ratio` is measured to raw; `kept` is whether the promise is, None where nothing is promised."""

    what: str
    measured: str
    raw: str = ""
    ratio: float | None = None
    promised: str = ""
    kept: bool | None = None


def lines(rows: Iterable[Row]) -> list[str]:
    """Return the table's lines, columns aligned."""
    cells = [_HEAD, *((row.what, row.measured, row.raw, _ratio(row), row.promised, _verdict(row)) for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(_HEAD))]
    drawn = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return [drawn[0], "-" * max(map(len, drawn)), *drawn[1:]]


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that a share (0 to 1) of the values does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def milliseconds(seconds: float) -> str:
    """Return seconds in milliseconds, with three digits."""
    value = 1000 * seconds
    return f"{value:.0f} ms" if value >= 100 else f"{value:.1f} ms" if value >= 10 else f"{value:.2f} ms"


def _ratio(row: Row) -> str:
    return "" if row.ratio is None else f"{row.ratio:.2f}"


def _verdict(row: Row) -> str:
    return {True: "kept", False: "MISSED", None: ""}[row.kept]
